#include "turnd/shell/worker_offload.h"

#include <utility>

namespace turnd {
namespace {

Traffic more(const Traffic& now, const Traffic& before) {
  return {.packets = now.packets - before.packets, .bytes = now.bytes - before.bytes};
}

} // namespace

void WorkerOffload::use(KernelRelay& kernel, std::uint32_t first, std::uint32_t count,
                        const core::Now& now) {
  kernel_ = &kernel;
  server_.set_offload_numbers(first, count, now);
}

// What is counted from here on is told by whoever has them in the end.
void WorkerOffload::leave(const core::Now& now) {
  for (auto& [number, active] : active_) {
    const OffloadCounts counts = kernel_->take_counts(index(number));
    const OffloadCounts told = std::exchange(active.told, {});
    server_.offload_counted(number, more(counts.to_peer, told.to_peer),
                            more(counts.to_client, told.to_client), now);
  }
}

void WorkerOffload::stay(const core::Now& now) {
  for (auto& [number, active] : active_) {
    const OffloadCounts counts = kernel_->take_back(index(number), active.binding);
    server_.offload_counted(number, counts.to_peer, counts.to_client, now);
  }
}

void WorkerOffload::begin(const BeginOffload& command, const core::Now& now) {
  const std::uint32_t number = index(command.number);
  if (kernel_ == nullptr) return server_.offload_refused(command.number);
  const auto counts = kernel_->add(number, command.binding, command.expires);
  if (!counts) return server_.offload_refused(command.number);
  active_.insert_or_assign(command.number, Active{.binding = command.binding, .told = {}});
  server_.offload_counted(command.number, counts->to_peer, counts->to_client, now);
}

// Of one that was refused there is nothing here, and its end may still come.
void WorkerOffload::move(const MoveOffload& command) {
  if (active_.contains(command.number)) kernel_->prolong(index(command.number), command.expires);
}

void WorkerOffload::end(const EndOffload& command, const core::Now& now) {
  const auto found = active_.find(command.number);
  if (found == active_.end()) return server_.offload_ended(command.number, {}, {}, now);
  const OffloadCounts told = found->second.told;
  const OffloadCounts last = kernel_->remove(index(command.number), found->second.binding);
  active_.erase(found);
  server_.offload_ended(command.number, more(last.to_peer, told.to_peer),
                        more(last.to_client, told.to_client), now);
}

void WorkerOffload::count(const core::Now& now) {
  for (auto& [number, active] : active_) {
    const OffloadCounts counts = kernel_->counts(index(number));
    const OffloadCounts told = std::exchange(active.told, counts);
    server_.offload_counted(number, more(counts.to_peer, told.to_peer),
                            more(counts.to_client, told.to_client), now);
  }
}

} // namespace turnd
