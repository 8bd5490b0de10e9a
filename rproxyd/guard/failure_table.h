// Who failed how often of late, and who has attempts in progress: one tally a key. Bounded; what is
// known is never given up for what is new. When the table is full, strangers to it share
// kSharedTallies tallies, chosen by their key's hash: they are still counted, if together with
// others, and nobody gets a guess for free.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libcore/base/time.h"
#include "rproxyd/guard/failure_window.h"

namespace rproxyd {

struct Tally {
  FailureWindow failures;
  FailureWindow here;  // those of them that came through this guard, and through no sibling
  FailureWindow alone; // those of these that siblings don't know of: see PinGuard::set_alone()
  std::size_t in_progress = 0; // attempts that were let through and whose end isn't known
  std::size_t load() const { return failures.count() + in_progress; }
  void slide(core::TimePoint now, core::Duration window) {
    failures.slide(now, window);
    here.slide(now, window);
    alone.slide(now, window);
  }
  void fail(core::TimePoint now, bool is_here, bool is_alone) {
    failures.add(now);
    if (is_here) here.add(now);
    if (is_here && is_alone) alone.add(now);
  }
  void clear() {
    failures.clear();
    here.clear();
    alone.clear();
  }
};

template <typename Key, typename Hash, typename Entry = Tally>
class FailureTable {
 public:
  static constexpr std::size_t kSharedTallies = 256;
  // Forgotten entries that one call removes at most.
  static constexpr int kSweepPerCall = 8;

  explicit FailureTable(std::size_t limit) : limit_(limit) {}

  // The tally that counts for the key, its window slid to `now`; nullptr: nothing is known of it.
  // Borrowed until the next call.
  Entry* look(const Key& key, core::TimePoint now, core::Duration window) {
    Entry* entry = nullptr;
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
      entry = &known->second->second;
    } else if (by_key_.size() >= limit_) {
      entry = &shared(key);
    } else {
      return nullptr;
    }
    entry->slide(now, window);
    return entry;
  }

  // Begins an attempt of the key; it has a tally until end(). `shared`: with others.
  struct Held {
    Entry& entry;
    bool shared;
  };
  Held begin(const Key& key, core::TimePoint now, core::Duration window) {
    sweep(now, window);
    auto known = by_key_.find(key);
    if (known == by_key_.end()) {
      if (by_key_.size() >= limit_) {
        ++shared(key).in_progress;
        return {shared(key), true};
      }
      order_.push_back({key, {}});
      known = by_key_.emplace(key, std::prev(order_.end())).first;
    } else {
      order_.splice(order_.end(), order_, known->second);
    }
    ++known->second->second.in_progress;
    return {known->second->second, false};
  }
  // The attempt has ended; whether it failed is added to the tally, which drop_if_empty() follows.
  Entry& end(const Key& key, bool was_shared, core::TimePoint now, core::Duration window) {
    Entry& entry = was_shared ? shared(key) : by_key_.at(key)->second;
    --entry.in_progress;
    entry.slide(now, window);
    return entry;
  }
  // Removes the key's tally if there is nothing in it.
  void drop_if_empty(const Key& key) {
    const auto known = by_key_.find(key);
    if (known == by_key_.end() || known->second->second.load() != 0) return;
    order_.erase(known->second);
    by_key_.erase(known);
  }

  std::size_t size() const { return by_key_.size(); }
  void clear() {
    by_key_.clear();
    order_.clear();
    shared_ = {};
  }

  // The one untouched for longest first; those that share a tally are not among them.
  template <typename Each>
  void for_each(Each&& each) const {
    for (const auto& [key, entry] : order_) each(key, entry);
  }
  // A place for what is known of the key from elsewhere; nullptr: there is none.
  Entry* adopt(const Key& key) {
    if (const auto known = by_key_.find(key); known != by_key_.end()) return &known->second->second;
    if (by_key_.size() >= limit_) return nullptr;
    order_.push_back({key, {}});
    by_key_.emplace(key, std::prev(order_.end()));
    return &order_.back().second;
  }

 private:
  Entry& shared(const Key& key) { return shared_[Hash{}(key) % kSharedTallies]; }

  using Order = std::list<std::pair<Key, Entry>>; // the one untouched for longest first

  void sweep(core::TimePoint now, core::Duration window) {
    for (int i = 0; i < kSweepPerCall && !order_.empty(); ++i) {
      auto& [key, entry] = order_.front();
      entry.slide(now, window);
      if (entry.failures.count() != 0) return;
      if (entry.in_progress != 0) { // it will be looked at when that ends
        order_.splice(order_.end(), order_, order_.begin());
        continue;
      }
      by_key_.erase(key);
      order_.pop_front();
    }
  }

  const std::size_t limit_;
  Order order_;
  std::unordered_map<Key, typename Order::iterator, Hash> by_key_;
  std::array<Entry, kSharedTallies> shared_{};
};

} // namespace rproxyd
