#include "turnd/relay/credentials.h"

#include <openssl/base64.h>

#include <array>
#include <charconv>

namespace turnd {
namespace {

constexpr std::size_t kSha1Base64Bytes = 28;

} // namespace

Credentials::Credentials(std::string realm, const std::map<std::string, core::Secret>& users,
                         std::vector<core::Secret> shared_secrets)
    : realm_(std::move(realm)), shared_secrets_(std::move(shared_secrets)) {
  for (const auto& [name, password] : users) {
    users_.emplace(name, stun::long_term_key_md5(name, realm_, password.reveal()));
  }
}

std::vector<stun::Key> Credentials::keys_of(std::string_view username, core::WallTime now) const {
  const auto user = users_.find(std::string(username));
  if (user != users_.end()) return {user->second};

  const auto name = parse_time_limited_name(username);
  if (!name || name->expiry <= now) return {};
  std::vector<stun::Key> keys;
  keys.reserve(shared_secrets_.size());
  for (const core::Secret& secret : shared_secrets_) {
    const core::Secret password = time_limited_password(secret, username);
    keys.push_back(stun::long_term_key_md5(username, realm_, password.reveal()));
  }
  return keys;
}

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

core::Secret time_limited_password(const core::Secret& secret, std::string_view username) {
  const auto hmac = stun::hmac_sha1(core::bytes_of(secret.reveal()), core::bytes_of(username));
  std::array<std::uint8_t, kSha1Base64Bytes + 1> text{};
  const std::size_t size = EVP_EncodeBlock(text.data(), hmac.data(), hmac.size());
  core::Secret password(std::string(core::text_of(core::Bytes(text).first(size))));
  explicit_bzero(text.data(), text.size());
  return password;
}

std::string_view quota_user(std::string_view username) {
  const auto name = parse_time_limited_name(username);
  return name && !name->user.empty() ? name->user : username;
}

} // namespace turnd
