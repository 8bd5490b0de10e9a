// Ids for a worker's requests: 64 random bits, so that nobody can guess another's, and no two of many
// millions are the same.
#pragma once

#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace rproxyd {

class RequestIds {
 public:
  static constexpr std::size_t kBytes = 8;
  static constexpr std::size_t kAtOnce = 64; // ids for which randomness is asked for at a time

  std::string next() { // 16 hexadecimal digits
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (used_ == random_.size()) {
      RAND_bytes(random_.data(), random_.size());
      used_ = 0;
    }
    std::string id;
    id.reserve(2 * kBytes);
    for (std::size_t end = used_ + kBytes; used_ < end; ++used_) {
      id += kDigits[random_[used_] >> 4];
      id += kDigits[random_[used_] & 0xf];
    }
    return id;
  }

 private:
  std::array<std::uint8_t, kBytes * kAtOnce> random_{};
  std::size_t used_ = kBytes * kAtOnce;
};

} // namespace rproxyd
