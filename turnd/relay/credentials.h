// Who may use the server: users with a fixed password, and anybody who holds a time-limited
// credential made from one of the shared secrets (several at once, so that one can be replaced
// while the other is still in use). Immutable; all workers share one, and a reload brings another.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libcore/base/secret.h"
#include "libcore/base/time.h"
#include "libcore/stun/integrity.h"

namespace turnd {

class Credentials {
 public:
  Credentials(std::string realm, const std::map<std::string, core::Secret>& users,
              std::vector<core::Secret> shared_secrets);

  const std::string& realm() const { return realm_; }

  // The keys that a request of this name may be signed with; none when nobody has the name, or its
  // time has passed. A fixed user comes before a time-limited name that looks the same.
  std::vector<stun::Key> keys_of(std::string_view username, core::WallTime now) const;

 private:
  std::string realm_;
  std::unordered_map<std::string, stun::Key> users_;
  std::vector<core::Secret> shared_secrets_;
};

// "expiry:user" or "expiry", the expiry in seconds since 1970.
struct TimeLimitedName {
  core::WallTime expiry;
  std::string_view user; // behind the colon; empty when there is none
};
std::optional<TimeLimitedName> parse_time_limited_name(std::string_view username);

// base64(HMAC-SHA1(secret, username)), as the draft "A REST API For Access To TURN Services" has it.
core::Secret time_limited_password(const core::Secret& secret, std::string_view username);

// Whom the quota counts: a time-limited name counts as the user behind its colon, so that a new
// credential is no new allowance.
std::string_view quota_user(std::string_view username);

} // namespace turnd
