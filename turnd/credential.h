// turnd credential: a user name and a password that a server with the same shared secret accepts
// until their time has passed.
#pragma once

#include <string>

namespace turnd {

struct CredentialRequest {
  std::string secret_file;
  std::string user;
  std::string ttl; // "1h"
  bool sha256 = false;
};

// Prints "username: …" and "password: …"; the exit code.
int print_credential(const CredentialRequest& request);

} // namespace turnd
