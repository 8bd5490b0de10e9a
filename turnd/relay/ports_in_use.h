// Which ports of the server's own relay addresses have a relay socket, whichever worker's: set and
// cleared when a socket comes or goes, asked by all. A bit a port.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace turnd {

class PortsInUse {
 public:
  explicit PortsInUse(std::size_t addresses) : words_(addresses * kWordsPerAddress) {}

  void set(std::size_t address, std::uint16_t port) {
    word(address, port).fetch_or(bit(port), std::memory_order_relaxed);
  }
  void clear(std::size_t address, std::uint16_t port) {
    word(address, port).fetch_and(~bit(port), std::memory_order_relaxed);
  }
  bool contains(std::size_t address, std::uint16_t port) const {
    const auto& found = words_[address * kWordsPerAddress + port / kBits];
    return (found.load(std::memory_order_relaxed) & bit(port)) != 0;
  }

 private:
  static constexpr std::size_t kBits = 64;
  static constexpr std::size_t kWordsPerAddress = 65536 / kBits;

  std::atomic<std::uint64_t>& word(std::size_t address, std::uint16_t port) {
    return words_[address * kWordsPerAddress + port / kBits];
  }
  static std::uint64_t bit(std::uint16_t port) { return std::uint64_t{1} << port % kBits; }

  std::vector<std::atomic<std::uint64_t>> words_;
};

} // namespace turnd
