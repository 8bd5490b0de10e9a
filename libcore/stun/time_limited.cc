#include "libcore/stun/time_limited.h"

#include <openssl/base64.h>
#include <string.h>

#include <array>
#include <charconv>
#include <string>

namespace stun {
namespace {

constexpr std::size_t kLongestBase64Bytes = 44; // of a SHA-256

core::Secret base64(core::Bytes bytes) {
  std::array<std::uint8_t, kLongestBase64Bytes + 1> text{};
  const std::size_t size = EVP_EncodeBlock(text.data(), bytes.data(), bytes.size());
  core::Secret encoded(std::string(core::text_of(core::Bytes(text).first(size))));
  explicit_bzero(text.data(), text.size());
  return encoded;
}

} // namespace

std::optional<TimeLimitedName> parse_time_limited_name(std::string_view username) {
  const auto colon = username.find(':');
  const auto digits = username.substr(0, colon);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (error != std::errc{} || end != digits.data() + digits.size() || seconds < 0) {
    return std::nullopt;
  }
  return TimeLimitedName{
      .expiry = core::WallTime(std::chrono::seconds(seconds)),
      .user = colon == std::string_view::npos ? std::string_view{} : username.substr(colon + 1)};
}

core::Secret time_limited_password(const core::Secret& secret, std::string_view username,
                                   Integrity hash) {
  const core::Bytes key = core::bytes_of(secret.reveal());
  const core::Bytes name = core::bytes_of(username);
  return hash == Integrity::sha1 ? base64(hmac_sha1(key, name)) : base64(hmac_sha256(key, name));
}

} // namespace stun
