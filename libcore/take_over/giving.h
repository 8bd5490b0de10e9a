// The old process' side of a take-over. The admin socket hands it the connection of whoever asked; a
// thread of its own then goes through the steps, with a limit to each:
//
//      the old process (Giving, Giver)                     the new one (Taking)
//                                                    <--   a line: command "take-over", program, protocol
//   1. offer(): portions; serves on                  -->   adopts them
//   2.                                               <--   ready: it could begin
//   3. hand_over(): stops reading; portions          -->   adopts them: now it holds everything
//   4.                                               <--   serving: begins
//   5. given(): notes, until it has ended            -->
//
// Whatever goes wrong before the new one's `serving` has come, the old one serves on as if nothing had
// been, and says `kept` if it still can. The new one begins only if its `serving` could be sent, which
// the kernel refuses from the moment that the old one has given up on it (Channel::take_no_more()):
// there is never a moment for which both believe that the work is theirs, or neither.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "libcore/log/log.h"
#include "libcore/take_over/channel.h"

namespace take_over {

// How long the new process may take to make itself ready: certificates, names, tables.
inline constexpr core::Duration kReadyWithin = std::chrono::minutes(1);
// And, while nobody serves, to begin with what it holds.
inline constexpr core::Duration kServingWithin = std::chrono::seconds(5);
// One step of either side sends no more portions than these.
inline constexpr std::size_t kMaxPortions = 65'536;

// Where a Giver puts what it gives.
class Portions {
 public:
  explicit Portions(Channel& channel) : channel_(channel) {}
  // Sent at once: `descriptors` are borrowed until it returns. The receiver's copies refer to the same
  // sockets; closing ours takes nothing from it.
  core::Result<void> add(const nlohmann::json& state, std::span<const int> descriptors = {}) {
    return channel_.send(Kind::portion, state, descriptors);
  }

 private:
  Channel& channel_;
};

// What a daemon does when another one takes over from it. All calls come from one thread, that of the
// take-over: they ask workers by their loops, and wait for these with a limit.
class Giver {
 public:
  virtual ~Giver() = default;
  // What can be given while it serves on.
  virtual core::Result<void> offer(Portions& to) = 0;
  // Nothing is accepted or read from here on: it waits in the sockets for whoever will. Then, what has
  // changed since offer(), or could not be given before. Should be a matter of milliseconds.
  virtual core::Result<void> hand_over(Portions& to) = 0;
  // It came to nothing after hand_over() had been called, however that ended: serves on.
  virtual void resume() = 0;
  // The other one serves. What is still in progress here may be finished. `notes` leads to the
  // successor, as long as one of the two has it (Kind::note).
  virtual void given(std::shared_ptr<Channel> notes) = 0;
};

class Giving {
 public:
  // `program`: what both must be. `giver` and `log` must outlive it.
  Giving(std::string program, Giver& giver, logging::Logger& log);
  ~Giving(); // breaks off what is in progress
  Giving(const Giving&) = delete;
  Giving& operator=(const Giving&) = delete;

  // `question`: what came over the connection, the first line of a Taking. Returns at once; from one
  // thread at a time.
  void begin(event::Fd connection, const nlohmann::json& question);

 private:
  void run(Channel& channel);
  core::Result<void> give(Channel& channel);
  std::string objection(int socket, const nlohmann::json& question) const;

  const std::string program_;
  Giver& giver_;
  logging::Logger& log_;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> given_ = false;
  std::shared_ptr<Channel> channel_; // the last one that asked
  std::thread thread_;
};

} // namespace take_over
