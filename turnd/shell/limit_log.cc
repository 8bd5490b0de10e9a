#include "turnd/shell/limit_log.h"

#include "turnd/relay/counters.h"

namespace turnd {
namespace {

std::string_view what_happened(Limit limit) {
  switch (limit) {
    case Limit::allocations:
      return "the server has as many allocations as it may have: further ones were refused";
    case Limit::allocations_per_user:
      return "a user has as many allocations as one may have: further ones were refused";
    case Limit::relay_ports:
      return "no relay port could be had: allocations were refused";
    case Limit::reservations:
      return "as many ports are reserved as may be: further ones were refused";
    case Limit::permissions:
      return "an allocation has as many permissions as one may have: further ones were refused";
    case Limit::channels:
      return "an allocation has as many channels as one may have: further ones were refused";
    case Limit::connections:
      return "an allocation has as many connections with peers as one may have: further ones were "
             "refused";
    case Limit::bandwidth:
      return "an allocation relays more than one may: datagrams were dropped";
    case Limit::bandwidth_per_user:
      return "a user's allocations relay more than they may: datagrams were dropped";
    case Limit::unauthenticated_answers:
      return "a source asks too often without a login: its requests were not answered";
  }
  return {};
}

} // namespace

LimitLog::~LimitLog() {
  for (const auto& [key, subject] : subjects_) {
    if (subject.count != 0) tell(key.first, key.second, subject.count);
  }
}

bool LimitLog::add(std::vector<LimitHit> hits, core::TimePoint now) {
  const std::lock_guard lock(mutex_);
  for (LimitHit& hit : hits) {
    if (subjects_.size() >= kMaxSubjects) hit.subject.clear();
    subjects_[{hit.limit, std::move(hit.subject)}].count += hit.count;
  }
  for (auto each = subjects_.begin(); each != subjects_.end();) {
    auto& [key, subject] = *each;
    if (subject.told && now - *subject.told < kInterval) {
      ++each;
    } else if (subject.count != 0) {
      tell(key.first, key.second, subject.count);
      subject = {.told = now, .count = 0};
      ++each;
    } else {
      each = subjects_.erase(each);
    }
  }
  return !subjects_.empty();
}

void LimitLog::tell(Limit limit, const std::string& subject, std::uint64_t count) {
  const std::string_view about = subject.empty() ? std::string_view("several") : subject;
  log_.warning("limit.reached", what_happened(limit), logging::field("limit", name_of(limit)),
               logging::field("subject", about), logging::field("held_back", count));
}

} // namespace turnd
