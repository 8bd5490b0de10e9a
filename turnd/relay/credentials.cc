#include "turnd/relay/credentials.h"

#include "libcore/stun/nonce.h"
#include "libcore/stun/opaque_string.h"
#include "libcore/stun/time_limited.h"

namespace turnd {

Credentials::Credentials(std::string realm, const std::map<std::string, core::Secret>& users,
                         std::vector<core::Secret> shared_secrets,
                         const std::map<std::string, stun::UserKeys>& stored_users,
                         std::optional<ThirdParty> third_party)
    : realm_(std::move(realm)),
      shared_secrets_(std::move(shared_secrets)),
      third_party_(std::move(third_party)) {
  for (const auto& [name, password] : users) {
    // What can't be prepared was refused with the configuration.
    auto keys = stun::user_keys(name, realm_, password.reveal());
    if (keys) add(name, *std::move(keys));
  }
  for (const auto& [name, keys] : stored_users) add(name, keys);
}

void Credentials::add(std::string_view name, stun::UserKeys keys) {
  if (keys.md5_saslprep) most_keys_of_a_user_ = 2;
  if (!keys.sha256) has_all_algorithms_ = false;
  const User& user =
      users_.emplace_back(stun::prepared(name).value_or(std::string(name)), std::move(keys));
  by_name_.emplace(user.name, &user);
  by_hash_.emplace(core::text_of(stun::userhash_of(user.name, realm_)), &user);
  if (const auto older = stun::saslprep(name)) by_name_.emplace(*older, &user);
}

const Credentials::User* Credentials::find(std::string_view name) const {
  const auto user = by_name_.find(std::string(name));
  if (user != by_name_.end()) return user->second;
  if (stun::is_prepared_ascii(name)) return nullptr;
  const auto prepared = stun::prepared(name);
  const auto other = prepared ? by_name_.find(*prepared) : by_name_.end();
  return other == by_name_.end() ? nullptr : other->second;
}

// A client that is offered anonymity sends hashes, behind which nobody finds a time-limited name or
// the name of a key.
std::uint32_t Credentials::features() const {
  return (has_all_algorithms_ ? stun::kFeaturePasswordAlgorithms : 0) |
         (shared_secrets_.empty() && !third_party_ ? stun::kFeatureUsernameAnonymity : 0);
}

Credentials::Candidate Credentials::candidate(const User& user, stun::PasswordAlgorithm algorithm) {
  Candidate found{.username = user.name, .keys = {}};
  if (algorithm == stun::PasswordAlgorithm::sha256) {
    if (user.keys.sha256) found.keys = {*user.keys.sha256};
  } else {
    found.keys = {user.keys.md5};
    if (user.keys.md5_saslprep) found.keys.push_back(*user.keys.md5_saslprep);
  }
  return found;
}

Credentials::Candidate Credentials::named(std::string_view username,
                                          stun::PasswordAlgorithm algorithm,
                                          core::WallTime now) const {
  if (const User* user = find(username)) return candidate(*user, algorithm);

  Candidate found{.username = username, .keys = {}};
  const auto name = stun::parse_time_limited_name(username);
  found.expired = name && name->expiry <= now && !shared_secrets_.empty();
  if (!name || name->expiry <= now) return found;
  found.keys.reserve(2 * shared_secrets_.size());
  for (const core::Secret& secret : shared_secrets_) {
    for (const auto hash : {stun::Integrity::sha1, stun::Integrity::sha256}) {
      const core::Secret password = stun::time_limited_password(secret, username, hash);
      found.keys.push_back(stun::long_term_key(algorithm, username, realm_, password.reveal()));
    }
  }
  return found;
}

Credentials::Candidate Credentials::hashed(core::Bytes userhash,
                                           stun::PasswordAlgorithm algorithm) const {
  const auto user = by_hash_.find(std::string(core::text_of(userhash)));
  return user == by_hash_.end() ? Candidate{} : candidate(*user->second, algorithm);
}

// RFC 7635 section 7. The key signs as it is; coturn, the only other that speaks this, signs with its
// first 16 bytes.
Credentials::Candidate Credentials::bearing(std::string_view key_id, core::Bytes token,
                                            core::WallTime now) const {
  constexpr std::size_t kCoturnKeyBytes = 16;
  if (!third_party_) return {};
  for (const ThirdParty::TokenKey& key : third_party_->keys) {
    if (key.id != key_id) continue;
    const auto opened = stun::open_access_token(
        token, key.algorithm, core::bytes_of(key.key.reveal()), third_party_->server_name);
    if (!opened) return {};
    if (opened->expiry() + kTokenClockSkew <= now) {
      return {.username = {}, .keys = {}, .until = {}, .expired = true};
    }
    if (opened->made > now + kTokenClockSkew) return {};
    const core::Bytes mac_key = opened->mac_key.bytes();
    Candidate found{.username = key.id, .keys = {opened->mac_key}, .until = opened->expiry()};
    if (mac_key.size() > kCoturnKeyBytes) found.keys.emplace_back(mac_key.first(kCoturnKeyBytes));
    return found;
  }
  return {};
}

std::string_view quota_user(std::string_view username) {
  const auto name = stun::parse_time_limited_name(username);
  return name && !name->user.empty() ? name->user : username;
}

} // namespace turnd
