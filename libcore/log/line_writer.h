// Lines on their way to a descriptor. Any thread adds them and goes on at once; a thread of its own
// writes them, so that no loop waits for a disk, or for whoever reads a pipe. While nothing can be
// written lines wait in memory to a limit; past it the newest are lost, and counted.
//
//   add() -> [queue, at most kQueueLimit] -> write(2), whole lines -> the descriptor
//
// Trouble is told on the writer's thread, once when it begins and once when all that waited has
// been written; what is told may add lines.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace logging {

class LineWriter {
 public:
  static constexpr std::size_t kQueueLimit = std::size_t{1024} * 1024; // bytes that wait at most
  static constexpr std::size_t kPipeWrite = 4096; // PIPE_BUF: what several processes write is whole
  static constexpr std::size_t kFileWrite = std::size_t{64} * 1024;
  static constexpr std::chrono::milliseconds kRetry{250};     // after a write that failed
  static constexpr std::chrono::milliseconds kFarewell{1000}; // for what waits at the end
  static constexpr std::chrono::seconds kTick{1};
  // Where lines may be gathered: from the first that waits, unless so many bytes wait before.
  static constexpr std::chrono::milliseconds kGathering{20};
  static constexpr std::size_t kGatheredBytes = kFileWrite;

  enum class Ownership : std::uint8_t { borrowed, owned };
  // At once; or so that the lines of many wake-ups of a loop leave in one write().
  enum class Pace : std::uint8_t { at_once, gathering };

  struct Trouble {
    std::string reason;     // empty: it is over
    std::uint64_t lost = 0; // then: lines since it was last told
  };
  struct Events {
    std::function<void(const Trouble&)> on_trouble = {};
    // Called once a second from want_ticks() on, until it answers false. And once at the end.
    std::function<bool()> on_tick = {};
  };

  LineWriter(int descriptor, Ownership ownership, Events events, Pace pace = Pace::at_once);
  ~LineWriter(); // writes what waits, for kFarewell
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  void add(std::string_view lines); // whole ones, each with its newline
  // Waits until what has been added is written, or can't be at the moment.
  void flush();
  // Lines that are added from now on go to another descriptor, and so do those that wait, if the old
  // one can't be written; a line that is partly written doesn't go on there.
  void replace(int descriptor, Ownership ownership);
  void want_ticks();

  std::uint64_t lost() const; // lines, since it was made

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Clock = std::chrono::steady_clock;

  void run();
  void gather(Lock& lock);
  void tick(Lock& lock);
  bool write_some(Lock& lock); // false: not now
  void failed(Lock& lock, std::string reason);
  void tell(Lock& lock, const Trouble& trouble);
  void take_replacement(Lock& lock);
  void consume(std::size_t bytes);
  std::size_t waiting() const { return queue_.size() - begin_; }

  const Events events_;
  const Pace pace_;
  mutable std::mutex mutex_; // over what follows
  std::condition_variable wake_;
  std::condition_variable settled_;
  int descriptor_;
  Ownership ownership_;
  int replacement_ = -1;
  Ownership replacement_ownership_ = Ownership::owned;
  std::string queue_;
  std::size_t begin_ = 0;   // of what waits, in queue_
  bool mid_line_ = false;   // the first line that waits is partly written
  bool in_trouble_ = false; // and said so
  bool stuck_ = false;      // the last write failed
  bool writing_ = false;
  bool stopping_ = false;
  bool hurried_ = false; // somebody waits in flush()
  bool ticking_ = false;
  Clock::time_point next_tick_{};
  std::uint64_t written_ = 0;       // bytes
  std::uint64_t replace_after_ = 0; // of written_
  std::uint64_t lost_ = 0;
  std::uint64_t told_ = 0; // of lost_

  std::thread thread_; // last: it uses all of the above
};

} // namespace logging
