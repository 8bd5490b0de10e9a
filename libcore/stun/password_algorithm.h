// How a long-term credential's key is made from its password (RFC 8489 sections 14.11, 14.12 and
// 18.5), and the list that a server offers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libcore/base/bytes.h"

namespace stun {

enum class PasswordAlgorithm : std::uint16_t { md5 = 0x0001, sha256 = 0x0002 };

// The value of PASSWORD-ALGORITHMS, the better one first; neither has parameters.
//
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |     algorithm                 |     length of parameters: 0   |  one after the other
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
inline constexpr std::array<std::uint8_t, 8> kOfferedPasswordAlgorithms{0, 2, 0, 0, 0, 1, 0, 0};

// The value of PASSWORD-ALGORITHM; nullopt when it is none of those offered.
inline std::optional<PasswordAlgorithm> parse_password_algorithm(core::Bytes value) {
  if (value.size() != 4 || core::load16(value.data() + 2) != 0) return std::nullopt;
  switch (core::load16(value.data())) {
    case static_cast<std::uint16_t>(PasswordAlgorithm::md5):
      return PasswordAlgorithm::md5;
    case static_cast<std::uint16_t>(PasswordAlgorithm::sha256):
      return PasswordAlgorithm::sha256;
    default:
      return std::nullopt;
  }
}

} // namespace stun
