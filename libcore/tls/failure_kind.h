// Why a TLS handshake failed, in a few kinds that can be counted.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tls {

enum class FailureKind : std::uint8_t {
  version,     // no version that both allow
  cipher,      // nothing else that both can do
  certificate, // the other side does not accept ours
  not_tls,     // what came is something else
  timeout,     // begun and not ended
  closed,      // the connection ended before
  other,
};
inline constexpr std::array<std::string_view, 7> kFailureKinds = {
    "version", "cipher", "certificate", "not_tls", "timeout", "closed", "other"};

constexpr std::string_view name_of(FailureKind kind) {
  return kFailureKinds[static_cast<std::size_t>(kind)];
}

// Of what Session::failure() says.
FailureKind failure_kind(std::string_view failure);

} // namespace tls
