#include "turnd/relay/answers.h"

namespace turnd {

// RFC 8489 section 9.2.4: signed as the request was; FINGERPRINT is last.
Decision Answers::finish(stun::MessageBuilder& builder, const AnswerTo& to) {
  if (!to.key.empty()) builder.sign(to.integrity, to.key);
  if (to.fingerprint) builder.add_fingerprint();
  const core::Bytes bytes = builder.finish();
  if (bytes.empty()) return Drop{DropReason::too_long};
  return ToClient{.kind = ToClient::Kind::answer,
                  .five_tuple = to.five_tuple,
                  .client = to.client,
                  .bytes = bytes};
}

std::string_view Answers::reason(stun::ErrorCode code) {
  switch (code) {
    case stun::ErrorCode::try_alternate:
      return "Try Alternate";
    case stun::ErrorCode::bad_request:
      return "Bad Request";
    case stun::ErrorCode::unauthenticated:
      return "Unauthenticated";
    case stun::ErrorCode::forbidden:
      return "Forbidden";
    case stun::ErrorCode::mobility_forbidden:
      return "Mobility Forbidden";
    case stun::ErrorCode::unknown_attribute:
      return "Unknown Attribute";
    case stun::ErrorCode::allocation_mismatch:
      return "Allocation Mismatch";
    case stun::ErrorCode::stale_nonce:
      return "Stale Nonce";
    case stun::ErrorCode::address_family_not_supported:
      return "Address Family not Supported";
    case stun::ErrorCode::wrong_credentials:
      return "Wrong Credentials";
    case stun::ErrorCode::unsupported_transport:
      return "Unsupported Transport Protocol";
    case stun::ErrorCode::peer_address_family_mismatch:
      return "Peer Address Family Mismatch";
    case stun::ErrorCode::connection_already_exists:
      return "Connection Already Exists";
    case stun::ErrorCode::connection_timeout_or_failure:
      return "Connection Timeout or Failure";
    case stun::ErrorCode::allocation_quota_reached:
      return "Allocation Quota Reached";
    case stun::ErrorCode::server_error:
      return "Server Error";
    case stun::ErrorCode::insufficient_capacity:
      return "Insufficient Capacity";
  }
  return {};
}

} // namespace turnd
