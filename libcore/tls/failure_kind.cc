#include "libcore/tls/failure_kind.h"

#include <algorithm>

namespace tls {
namespace {

struct Reason {
  std::string_view name; // BoringSSL's
  FailureKind kind;
};

constexpr std::array kReasons = {
    Reason{"UNSUPPORTED_PROTOCOL", FailureKind::version},
    Reason{"TLSV1_ALERT_PROTOCOL_VERSION", FailureKind::version},
    Reason{"INAPPROPRIATE_FALLBACK", FailureKind::version},
    Reason{"NO_SHARED_CIPHER", FailureKind::cipher},
    Reason{"NO_SHARED_GROUP", FailureKind::cipher},
    Reason{"NO_COMMON_SIGNATURE_ALGORITHMS", FailureKind::cipher},
    Reason{"SSLV3_ALERT_HANDSHAKE_FAILURE", FailureKind::cipher},
    Reason{"SSLV3_ALERT_BAD_CERTIFICATE", FailureKind::certificate},
    Reason{"SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", FailureKind::certificate},
    Reason{"SSLV3_ALERT_CERTIFICATE_REVOKED", FailureKind::certificate},
    Reason{"SSLV3_ALERT_CERTIFICATE_EXPIRED", FailureKind::certificate},
    Reason{"SSLV3_ALERT_CERTIFICATE_UNKNOWN", FailureKind::certificate},
    Reason{"TLSV1_ALERT_UNKNOWN_CA", FailureKind::certificate},
    Reason{"HTTP_REQUEST", FailureKind::not_tls},
    Reason{"HTTPS_PROXY_REQUEST", FailureKind::not_tls},
    Reason{"WRONG_VERSION_NUMBER", FailureKind::not_tls},
    Reason{"UNEXPECTED_RECORD", FailureKind::not_tls},
};

} // namespace

FailureKind failure_kind(std::string_view failure) {
  const auto found = std::ranges::find(kReasons, failure, &Reason::name);
  return found == kReasons.end() ? FailureKind::other : found->kind;
}

} // namespace tls
