// OCSP responses that are stapled to a handshake (RFC 6960, RFC 6066 section 8). Whether one is signed
// rightly is the client's to check; what can be told here is whether sending it makes sense.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcore/base/bytes.h"
#include "libcore/base/time.h"

namespace tls {

struct OcspResponse {
  enum class Status : std::uint8_t { good, revoked, unknown };
  Status status = Status::unknown;
  std::vector<std::uint8_t> serial; // of the certificate, as in its DER
  core::WallTime this_update;
  std::optional<core::WallTime> next_update;
};

// Of a successful response, what it says of the first certificate; nullopt for anything else.
std::optional<OcspResponse> read_ocsp_response(core::Bytes der);

} // namespace tls
