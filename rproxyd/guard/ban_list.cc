#include "rproxyd/guard/ban_list.h"

#include <ranges>

namespace rproxyd {

const Ban* BanList::find(const core::IpAddress& client) const {
  if (running_.empty()) return nullptr;
  const ClientNetwork own = network_of(client);
  if (const Ban* ban = find_exactly(own)) return ban;
  if (own.base.family == core::Family::ipv4) return nullptr;
  if (const Ban* ban = find_exactly(widened(own, kSitePrefix))) return ban;
  return find_exactly(widened(own, kOrganisationPrefix));
}

const Ban* BanList::find_exactly(const ClientNetwork& network) const {
  const auto found = entries_.find(network);
  return found == entries_.end() || !found->second.running ? nullptr : &found->second.ban;
}

bool BanList::add(Ban ban, core::Duration remember) {
  if (const auto known = entries_.find(ban.network); known != entries_.end()) erase(known);
  if (entries_.size() >= limit_) {
    if (remembered_.empty()) return false;
    erase(entries_.find(remembered_.begin()->second));
  }
  running_.emplace(ban.until, ban.network);
  const ClientNetwork network = ban.network;
  const core::TimePoint forget = ban.until + remember;
  entries_.emplace(network, Entry{.ban = std::move(ban), .forget = forget});
  return true;
}

std::optional<Ban> BanList::remove(const ClientNetwork& network) {
  const auto found = entries_.find(network);
  if (found == entries_.end()) return std::nullopt;
  std::optional<Ban> removed;
  if (found->second.running) removed = found->second.ban;
  erase(found);
  return removed;
}

std::vector<Ban> BanList::clear() {
  std::vector<Ban> removed = in_force();
  entries_.clear();
  running_.clear();
  remembered_.clear();
  return removed;
}

std::vector<Ban> BanList::expire(core::TimePoint now) {
  std::vector<Ban> ended;
  while (!running_.empty() && running_.begin()->first <= now) {
    Entry& entry = entries_.at(running_.begin()->second);
    running_.erase(running_.begin());
    entry.running = false;
    remembered_.emplace(entry.forget, entry.ban.network);
    ended.push_back(entry.ban);
  }
  while (!remembered_.empty() && remembered_.begin()->first <= now) {
    erase(entries_.find(remembered_.begin()->second));
  }
  return ended;
}

unsigned BanList::offences(const ClientNetwork& network) const {
  const auto found = entries_.find(network);
  return found == entries_.end() ? 0 : found->second.ban.offences;
}

std::vector<Ban> BanList::in_force() const {
  std::vector<Ban> bans;
  for (const Entry& entry : entries_ | std::views::values) {
    if (entry.running) bans.push_back(entry.ban);
  }
  return bans;
}

std::vector<Ban> BanList::all() const {
  std::vector<Ban> bans;
  for (const Entry& entry : entries_ | std::views::values) bans.push_back(entry.ban);
  return bans;
}

std::optional<core::TimePoint> BanList::next_end() const {
  if (running_.empty()) return std::nullopt;
  return running_.begin()->first;
}

void BanList::erase(Entries::iterator entry) {
  const Entry& e = entry->second;
  if (e.running) {
    running_.erase({e.ban.until, entry->first});
  } else {
    remembered_.erase({e.forget, entry->first});
  }
  entries_.erase(entry);
}

} // namespace rproxyd
