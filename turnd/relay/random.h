// Where the relay's unpredictable numbers come from; tests bring their own.
#pragma once

#include <array>
#include <cstdint>

#include "libcore/base/bytes.h"

namespace turnd {

class Random {
 public:
  virtual void fill(core::MutableBytes bytes) = 0;

  std::uint32_t u32() {
    std::array<std::uint8_t, 4> bytes{};
    fill(bytes);
    return core::load32(bytes.data());
  }
  // In [0, limit); the bias of at most limit / 2^32 matters to nobody here.
  std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>((std::uint64_t{u32()} * limit) >> 32);
  }

 protected:
  ~Random() = default;
};

} // namespace turnd
