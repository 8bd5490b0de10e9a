#include "rproxyd/shell/connection_limits.h"

#include "libcore/config/limit.h"
#include "rproxyd/guard/client_network.h"

namespace rproxyd {

std::expected<ConnectionLimits::Ticket, std::string_view> ConnectionLimits::admit(
    const core::IpAddress& address, bool shared) {
  if (connections_.fetch_add(1) >= in_all_) {
    --connections_;
    return std::unexpected(kInAll);
  }
  if (shared) return Ticket(*this, address, false);
  const core::IpAddress client = network_of(address).base;
  const std::lock_guard lock(mutex_);
  std::uint64_t& count = by_client_[client];
  if (count >= per_client_) {
    --connections_;
    return std::unexpected(kPerClient);
  }
  ++count;
  return Ticket(*this, client, true);
}

void ConnectionLimits::give_back(const core::IpAddress& client, bool counted) {
  --connections_;
  if (!counted) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_client_.find(client);
  if (--found->second == 0) by_client_.erase(found);
}

} // namespace rproxyd
