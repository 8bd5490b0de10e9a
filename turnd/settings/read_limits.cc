#include "turnd/settings/read_limits.h"

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"

namespace turnd {

using namespace std::chrono_literals;

void read_limits(const config::Value& value, Settings::Limits& limits) {
  config::ObjectReader object(value);
  const auto count = config::or_none(config::integer(std::uint64_t{0}, kMaxAllocations));
  object.read("allocations", limits.allocations, count);
  object.read("allocations_per_user", limits.allocations_per_user, count);

  const auto bandwidth = config::or_none(config::size(kMaxBandwidth));
  object.read("bandwidth_per_allocation", limits.bandwidth_per_allocation, bandwidth);
  object.read("bandwidth_per_user", limits.bandwidth_per_user, bandwidth);

  const auto peers = config::integer(1U, kMaxPeersPerAllocation);
  object.read("permissions_per_allocation", limits.permissions_per_allocation, peers);
  object.read("channels_per_allocation", limits.channels_per_allocation, peers);
  object.read("connections_per_allocation", limits.connections_per_allocation, peers);
  object.read("unauthenticated_answers_per_source", limits.unauthenticated_answers_per_source,
              config::integer(std::uint32_t{0}, kMaxUnauthenticatedAnswers));

  // Below the default lifetime no Allocate could be granted (RFC 8656 section 7.2).
  core::Duration max_lifetime = limits.max_lifetime;
  object.read("max_lifetime", max_lifetime, config::duration(600s, 24h));
  limits.max_lifetime = std::chrono::floor<std::chrono::seconds>(max_lifetime);
  core::Duration nonce_lifetime = limits.nonce_lifetime;
  object.read("nonce_lifetime", nonce_lifetime, config::duration(10s, 24h));
  limits.nonce_lifetime = std::chrono::floor<std::chrono::seconds>(nonce_lifetime);
  object.finish();
}

} // namespace turnd
