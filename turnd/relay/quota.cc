#include "turnd/relay/quota.h"

namespace turnd {

std::expected<Quota::User*, QuotaRefusal> QuotaTable::take(std::string_view user) {
  if (taken_ >= limits_.in_all) return std::unexpected(QuotaRefusal::server_full);
  if (limits_.per_user == 0) return std::unexpected(QuotaRefusal::user_full);
  const auto found = by_user_.find(std::string(user));
  if (found != by_user_.end() && found->second.allocations >= limits_.per_user) {
    return std::unexpected(QuotaRefusal::user_full);
  }
  return &take_beyond_limits(user);
}

Quota::User& QuotaTable::take_beyond_limits(std::string_view user) {
  const auto entry = by_user_.try_emplace(std::string(user), limits_.bandwidth_per_user).first;
  User& found = entry->second;
  found.name = entry->first;
  ++found.allocations;
  ++taken_;
  return found;
}

void QuotaTable::set_limits(const QuotaLimits& limits) {
  limits_ = limits;
  for (auto& [name, user] : by_user_) user.bandwidth->set_rate(limits.bandwidth_per_user);
}

void QuotaTable::give_back(User& user) {
  --taken_;
  if (--user.allocations == 0) by_user_.erase(std::string(user.name));
}

} // namespace turnd
