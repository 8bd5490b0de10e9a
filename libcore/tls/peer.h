// The certificate that a server has shown, judged as a client would that trusts certain authorities.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/base/time.h"
#include "libcore/tls/client_context.h"

namespace tls {

struct PeerJudgement {
  std::vector<std::string> names; // DNS names
  core::WallTime not_after{};
  bool name_matches = false;
  std::string untrusted;             // why no authority stands behind it; empty: one does
  std::vector<std::string> warnings; // dates, and the order of the chain
};

// After a handshake without verification. `name`: the DNS name or the address that was asked for.
// Of `authorities` the CA file counts. Fails when there is no certificate, or no authorities.
core::Result<PeerJudgement> judge_peer(const SSL* ssl, const std::string& name,
                                       const ClientPolicy& authorities, core::WallTime now);

} // namespace tls
