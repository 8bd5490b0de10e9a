#include "turnd/relay/credentials.h"

#include <openssl/base64.h>

#include <array>
#include <charconv>

#include "libcore/stun/nonce.h"

namespace turnd {
namespace {

constexpr std::size_t kSha1Base64Bytes = 28;

} // namespace

Credentials::Credentials(std::string realm, const std::map<std::string, core::Secret>& users,
                         std::vector<core::Secret> shared_secrets)
    : realm_(std::move(realm)), shared_secrets_(std::move(shared_secrets)) {
  for (const auto& [name, password] : users) {
    add({.name = name,
         .md5 = stun::long_term_key_md5(name, realm_, password.reveal()),
         .sha256 = stun::long_term_key_sha256(name, realm_, password.reveal())});
  }
}

void Credentials::add(User user) {
  const User& added = users_.emplace_back(std::move(user));
  by_name_.emplace(added.name, &added);
  by_hash_.emplace(core::text_of(stun::userhash_of(added.name, realm_)), &added);
}

// A client that is offered anonymity sends hashes, behind which nobody finds a time-limited name.
std::uint32_t Credentials::features() const {
  return stun::kFeaturePasswordAlgorithms |
         (shared_secrets_.empty() ? stun::kFeatureUsernameAnonymity : 0);
}

Credentials::Candidate Credentials::candidate(const User& user, stun::PasswordAlgorithm algorithm) {
  return {.username = user.name,
          .keys = {algorithm == stun::PasswordAlgorithm::md5 ? user.md5 : user.sha256}};
}

Credentials::Candidate Credentials::named(std::string_view username,
                                          stun::PasswordAlgorithm algorithm,
                                          core::WallTime now) const {
  const auto user = by_name_.find(username);
  if (user != by_name_.end()) return candidate(*user->second, algorithm);

  Candidate found{.username = username, .keys = {}};
  const auto name = parse_time_limited_name(username);
  if (!name || name->expiry <= now) return found;
  found.keys.reserve(shared_secrets_.size());
  for (const core::Secret& secret : shared_secrets_) {
    const core::Secret password = time_limited_password(secret, username);
    found.keys.push_back(stun::long_term_key(algorithm, username, realm_, password.reveal()));
  }
  return found;
}

Credentials::Candidate Credentials::hashed(core::Bytes userhash,
                                           stun::PasswordAlgorithm algorithm) const {
  const auto user = by_hash_.find(std::string(core::text_of(userhash)));
  return user == by_hash_.end() ? Candidate{} : candidate(*user->second, algorithm);
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
