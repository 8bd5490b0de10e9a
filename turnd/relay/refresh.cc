// Refresh (RFC 8656 section 8.2) on the allocation's own five-tuple.
#include "turnd/relay/server.h"

namespace turnd {

using stun::Attribute;
using stun::ErrorCode;

Decision Server::refresh(Request& request) {
  Allocation& allocation = *request.allocation;

  // RFC 8016: a client that has not moved may show its ticket all the same. Where this is the Refresh
  // that brought it here, come again, the ticket is the one before.
  if (const auto value = request.message.find(Attribute::mobility_ticket)) {
    const Mobility* mobility = allocation.mobility.get();
    if (!config_.mobility && mobility == nullptr) {
      return refuse(request, ErrorCode::mobility_forbidden);
    }
    const auto ticket = tickets_.open(*value);
    if (mobility == nullptr || !ticket || ticket->allocation != mobility->number) {
      return refuse(request, ErrorCode::bad_request);
    }
    if (!mobility->accepts(*ticket) && mobility->transaction != request.to.transaction) {
      return refuse(request, ErrorCode::bad_request);
    }
  }

  // The answer to lifetime 0 borrows nothing of the allocation, which is gone by then.
  const auto lifetime = apply_refresh(allocation, request.message, request.now);
  if (!lifetime) return refuse(request, lifetime.error());
  return answers_.success(request.to, [&](auto& builder) {
    builder.add_u32(Attribute::lifetime, *lifetime);
    if (*lifetime != 0) add_ticket(builder, allocation);
  });
}

// The lifetime that is granted. With 0 the allocation is gone, or one family of a dual one.
std::expected<std::uint32_t, ErrorCode> Server::apply_refresh(Allocation& allocation,
                                                              const stun::Message& message,
                                                              const core::Now& now) {
  std::optional<std::uint32_t> requested;
  if (const auto value = message.find(Attribute::lifetime)) {
    if (value->size() != 4) return std::unexpected(ErrorCode::bad_request);
    requested = core::load32(value->data());
  }

  // A family that the allocation doesn't have is a mistake; one of two may be given up alone.
  std::optional<core::Family> family;
  if (const auto value = message.find(Attribute::requested_address_family)) {
    if (value->size() != 4) return std::unexpected(ErrorCode::bad_request);
    switch ((*value)[0]) {
      case stun::kFamilyIpv4:
        family = core::Family::ipv4;
        break;
      case stun::kFamilyIpv6:
        family = core::Family::ipv6;
        break;
      default:
        return std::unexpected(ErrorCode::peer_address_family_mismatch);
    }
    if (!allocation.relay(*family)) {
      return std::unexpected(ErrorCode::peer_address_family_mismatch);
    }
  }

  if (requested == 0) {
    const bool dual = allocation.relays[0] && allocation.relays[1];
    if (family && dual) {
      auto& relay = allocation.relay(*family);
      if (relay) close_relay(*relay, now);
      relay.reset();
      offload(allocation, now);
    } else {
      remove(allocation, AllocationEnd::deleted, now);
    }
    return 0;
  }

  const core::Duration lifetime = granted_lifetime(requested, allocation.until, now.wall);
  deadlines_.set(allocation.expiry, now.steady + lifetime);
  offload(allocation, now);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime);
  return static_cast<std::uint32_t>(seconds.count());
}

} // namespace turnd
