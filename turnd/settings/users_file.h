// The file of credentials.users_file: users as the keys that clients make of their passwords, never
// the passwords. A key is of use in its own realm alone.
//
//   {
//     "realm": "example.com",
//     "users": {
//       "alice": { "md5": "<32 hex digits>", "sha256": "<64 hex digits>" }
//     }
//   }
//
// A user who was taken over from a server that had nothing else has "md5" alone. "md5_saslprep" stands beside these where older clients make another key of the same password
// (libcore/stun/user_keys.h). Whoever has a key can relay with it: the file is a secret.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"
#include "libcore/stun/user_keys.h"

namespace turnd {

inline constexpr std::size_t kMaxUsersFileBytes = std::size_t{32} << 20;
inline constexpr std::size_t kMaxUsersInFile = 100'000;

struct UsersFile {
  std::string realm;
  std::map<std::string, stun::UserKeys> users; // by prepared name
};

// nullopt: it can't be used, and the problems say why, with its lines.
std::optional<UsersFile> read_users_file(const std::string& path,
                                         const config::Surroundings& surroundings,
                                         config::Problems& problems);

std::string to_text(const UsersFile& file);

} // namespace turnd
