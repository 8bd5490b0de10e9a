// Which ports of one of the server's own relay addresses have a relay socket, whichever worker's: set
// and cleared when a socket comes or goes, asked by all. A bit a port.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace turnd {

class PortsInUse {
 public:
  void set(std::uint16_t port) { word(port).fetch_or(bit(port), std::memory_order_relaxed); }
  void clear(std::uint16_t port) { word(port).fetch_and(~bit(port), std::memory_order_relaxed); }
  bool contains(std::uint16_t port) const {
    return (words_[port / kBits].load(std::memory_order_relaxed) & bit(port)) != 0;
  }
  bool empty() const {
    return std::ranges::all_of(
        words_, [](const auto& each) { return each.load(std::memory_order_relaxed) == 0; });
  }
  std::size_t count() const {
    std::size_t count = 0;
    for (const auto& each : words_) {
      count += static_cast<std::size_t>(std::popcount(each.load(std::memory_order_relaxed)));
    }
    return count;
  }

 private:
  static constexpr std::size_t kBits = 64;

  std::atomic<std::uint64_t>& word(std::uint16_t port) { return words_[port / kBits]; }
  static std::uint64_t bit(std::uint16_t port) { return std::uint64_t{1} << port % kBits; }

  std::array<std::atomic<std::uint64_t>, 65536 / kBits> words_{};
};

} // namespace turnd
