// What is in the kernel goes on from one process to the next.
#include <fmt/format.h>

#include <utility>

#include "turnd/offload/kernel_relay.h"

namespace turnd {

// Descriptors are in the order of handle().
core::Result<std::unique_ptr<KernelRelay>> KernelRelay::adopt(const KernelRelay& own,
                                                              std::uint32_t side,
                                                              std::vector<event::Fd> descriptors) {
  constexpr std::size_t kMaps = 4;
  if (descriptors.size() != kMaps + 2 * own.programs_.size() || side >= kSides) {
    return core::failure("another number of descriptors than its interfaces need");
  }
  std::unique_ptr<KernelRelay> relay(new KernelRelay);
  relay->bindings_ = own.bindings_;
  relay->processors_ = own.processors_;
  relay->tag_ = own.tag_;
  relay->side_ = (side + 1) % kSides;
  relay->maps_ = {.directions = descriptors[0].get(),
                  .records = descriptors[1].get(),
                  .interfaces = descriptors[2].get(),
                  .passes = descriptors[3].get()};
  for (std::size_t i = 0; i < own.programs_.size(); ++i) {
    relay->programs_.push_back({.interface = own.programs_[i].interface,
                                .object = nullptr,
                                .link = std::move(descriptors[kMaps + 2 * i + 1]),
                                .fd = descriptors[kMaps + 2 * i].get()});
  }
  relay->adopted_ = std::move(descriptors);
  if (auto mapped = relay->map_records(); !mapped) return std::unexpected(mapped.error());
  return relay;
}

OffloadHandle KernelRelay::handle() const {
  OffloadHandle handle{
      .descriptors = {maps_.directions, maps_.records, maps_.interfaces, maps_.passes},
      .side = side_};
  for (const Program& program : programs_) {
    handle.descriptors.push_back(program.fd);
    handle.descriptors.push_back(program.link.get());
  }
  return handle;
}

std::string KernelRelay::identity() const {
  std::string text = fmt::format("{} {}", tag_, bindings_);
  for (const Program& program : programs_) {
    const OffloadInterface& interface = program.interface;
    text += fmt::format(" {}:{}:{:02x}:{}", interface.name, interface.index,
                        fmt::join(interface.mac, ""), interface.sends_back);
  }
  return text;
}

} // namespace turnd
