#include "turnd/relay/quota.h"

namespace turnd {

std::expected<void, QuotaRefusal> QuotaTable::take(const std::string& user) {
  if (taken_ >= in_all_) return std::unexpected(QuotaRefusal::server_full);
  const auto entry = by_user_.try_emplace(user, 0).first;
  if (entry->second >= per_user_) {
    return std::unexpected(QuotaRefusal::user_full);
  }
  ++taken_;
  ++entry->second;
  return {};
}

void QuotaTable::give_back(const std::string& user) {
  const auto entry = by_user_.find(user);
  if (entry == by_user_.end()) return;
  --taken_;
  if (--entry->second == 0) by_user_.erase(entry);
}

} // namespace turnd
