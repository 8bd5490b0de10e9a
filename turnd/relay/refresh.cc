// Refresh (RFC 8656 section 8.2).
#include "turnd/relay/server.h"

namespace turnd {

using stun::Attribute;
using stun::ErrorCode;

Decision Server::refresh(Request& request) {
  Allocation& allocation = *request.allocation;

  std::optional<std::uint32_t> requested;
  if (const auto value = request.message.find(Attribute::lifetime)) {
    if (value->size() != 4) return refuse(request, ErrorCode::bad_request);
    requested = core::load32(value->data());
  }

  // A family that the allocation doesn't have is a mistake; one of two may be given up alone.
  std::optional<core::Family> family;
  if (const auto value = request.message.find(Attribute::requested_address_family)) {
    if (value->size() != 4) return refuse(request, ErrorCode::bad_request);
    switch ((*value)[0]) {
      case stun::kFamilyIpv4:
        family = core::Family::ipv4;
        break;
      case stun::kFamilyIpv6:
        family = core::Family::ipv6;
        break;
      default:
        return refuse(request, ErrorCode::peer_address_family_mismatch);
    }
    if (!allocation.relay(*family)) {
      return refuse(request, ErrorCode::peer_address_family_mismatch);
    }
  }

  if (requested == 0) {
    const bool dual = allocation.relays[0] && allocation.relays[1];
    // The answer borrows nothing of the allocation but the five-tuple, which is the request's.
    const Decision answer = answers_.success(
        request.to, [](auto& builder) { builder.add_u32(Attribute::lifetime, 0); });
    if (family && dual) {
      auto& relay = allocation.relay(*family);
      if (relay) close_relay(*relay, request.now);
      relay.reset();
    } else {
      remove(allocation, request.now);
    }
    return answer;
  }

  const core::Duration lifetime = granted_lifetime(requested);
  deadlines_.set(allocation.expiry, request.now.steady + lifetime);
  return answers_.success(request.to, [&](auto& builder) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime);
    builder.add_u32(Attribute::lifetime, static_cast<std::uint32_t>(seconds.count()));
  });
}

} // namespace turnd
