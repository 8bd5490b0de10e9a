// Tells the process that has taken over what is still found out here about the clients of both: notes
// of a take-over. What there is to tell in between, before it serves, waits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "libcore/log/log.h"
#include "libcore/take_over/channel.h"

namespace rproxyd {

class Successor {
 public:
  static constexpr std::size_t kMaxNotes = 10'000; // that wait; the rest is lost, and counted

  explicit Successor(logging::Logger& log) : log_(log) {}
  ~Successor(); // what waits is sent first, as long as the other process takes it
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  void tell(nlohmann::json note); // from any thread
  void begin(std::shared_ptr<take_over::Channel> notes);
  void forget(); // it came to nothing: what waits is nobody's business

 private:
  void send_until_ended();

  logging::Logger& log_;
  std::mutex mutex_; // over what follows
  std::condition_variable changed_;
  std::deque<nlohmann::json> waiting_;
  std::uint64_t lost_ = 0;
  bool deaf_ = false; // the successor is gone
  bool ending_ = false;
  std::shared_ptr<take_over::Channel> notes_;
  std::thread thread_;
};

} // namespace rproxyd
