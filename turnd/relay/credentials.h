// Who may use the server: users with a fixed password, and anybody who holds a time-limited
// credential made from one of the shared secrets (several at once, so that one can be replaced
// while the other is still in use). Immutable; all workers share one, and a reload brings another.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libcore/base/secret.h"
#include "libcore/base/time.h"
#include "libcore/stun/access_token.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/user_keys.h"

namespace turnd {

// Keys that this server shares with an authorization server (RFC 7635).
struct ThirdParty {
  struct TokenKey {
    std::string id; // which clients send as USERNAME
    stun::TokenAlgorithm algorithm = stun::TokenAlgorithm::a256gcm;
    core::Secret key; // as many bytes as the algorithm takes
  };
  std::string server_name; // that clients are told, and tokens are made for
  std::vector<TokenKey> keys;
};

class Credentials {
 public:
  // RFC 7635 section 7: how far the clocks of the two servers may be apart.
  static constexpr std::chrono::seconds kTokenClockSkew{5};

  Credentials(std::string realm, const std::map<std::string, core::Secret>& users,
              std::vector<core::Secret> shared_secrets,
              const std::map<std::string, stun::UserKeys>& stored_users = {},
              std::optional<ThirdParty> third_party = std::nullopt);
  Credentials(const Credentials&) = delete; // its tables refer to its users
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials() = default;

  const std::string& realm() const { return realm_; }

  // What a nonce may promise (stun::kFeature…). Password algorithms only while every user has a key
  // for each: an offer is made before it is known to whom.
  std::uint32_t features() const;

  // The keys that a request of this user may be signed with; none when there is no such user, or its
  // time has passed.
  struct Candidate {
    std::string_view username; // borrowed from here or from the argument
    std::vector<stun::Key> keys;
    std::optional<core::WallTime> until{}; // the end of the token that brought the key
    bool expired = false;                  // no keys, since its time has passed
  };
  // A fixed user comes before a time-limited name that looks the same. The name may be prepared
  // either way, or not at all (libcore/stun/opaque_string.h).
  Candidate named(std::string_view username, stun::PasswordAlgorithm algorithm,
                  core::WallTime now) const;
  // By the value of USERHASH. Time-limited names can't be found by it.
  Candidate hashed(core::Bytes userhash, stun::PasswordAlgorithm algorithm) const;

  // By a token that the authorization server made, `key_id` being the USERNAME.
  Candidate bearing(std::string_view key_id, core::Bytes token, core::WallTime now) const;
  const std::optional<ThirdParty>& third_party() const { return third_party_; }

  // No fixed user has more: for those who want to do the same work for unknown ones.
  std::size_t most_keys_of_a_user() const { return most_keys_of_a_user_; }

 private:
  struct User {
    std::string name; // prepared
    stun::UserKeys keys;
  };
  void add(std::string_view name, stun::UserKeys keys);
  const User* find(std::string_view name) const;
  static Candidate candidate(const User& user, stun::PasswordAlgorithm algorithm);

  std::string realm_;
  std::deque<User> users_;
  std::unordered_map<std::string, const User*> by_name_; // and by what SASLprep makes of it
  std::unordered_map<std::string, const User*> by_hash_;
  std::vector<core::Secret> shared_secrets_;
  std::optional<ThirdParty> third_party_;
  std::size_t most_keys_of_a_user_ = 1;
  bool has_all_algorithms_ = true; // for every user
};

// Whom the quota counts: a time-limited name counts as the user behind its colon, so that a new
// credential is no new allowance.
std::string_view quota_user(std::string_view username);

} // namespace turnd
