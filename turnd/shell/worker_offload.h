// A worker's bindings in the kernel: carries the server's decisions out, and tells it what has been
// counted there.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "turnd/offload/kernel_relay.h"
#include "turnd/relay/server.h"

namespace turnd {

class WorkerOffload {
 public:
  static constexpr core::Duration kCountEvery = std::chrono::milliseconds(250);

  explicit WorkerOffload(Server& server) : server_(server) {}

  // From now on, with the numbers [first, first + count).
  void use(KernelRelay& kernel, std::uint32_t first, std::uint32_t count, const core::Now& now);
  // The process that takes over will make them its own; in the kernel they go on. stay(): it hasn't.
  void leave(const core::Now& now);
  void stay(const core::Now& now);

  void begin(const BeginOffload& command, const core::Now& now);
  void move(const MoveOffload& command);
  void end(const EndOffload& command, const core::Now& now);
  // Tells the server; may lead to commands.
  void count(const core::Now& now);
  bool empty() const { return active_.empty(); }

 private:
  struct Active {
    OffloadBinding binding;
    OffloadCounts told;
  };
  static std::uint32_t index(OffloadNumber number) { return static_cast<std::uint32_t>(number); }

  Server& server_;
  KernelRelay* kernel_ = nullptr;
  std::unordered_map<OffloadNumber, Active> active_;
};

} // namespace turnd
