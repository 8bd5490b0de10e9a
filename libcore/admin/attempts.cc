#include "libcore/admin/attempts.h"

#include <algorithm>

namespace admin {
namespace {

constexpr std::size_t kIpv6NetworkBytes = 8;

core::IpAddress network_of(core::IpAddress ip) {
  if (ip.family == core::Family::ipv6)
    std::fill(ip.octets.begin() + kIpv6NetworkBytes, ip.octets.end(), std::uint8_t{0});
  return ip;
}

} // namespace

bool Attempts::may_try(const core::IpAddress& from, core::TimePoint now) const {
  const auto found = std::ranges::find(sources_, network_of(from), &Source::network);
  return found == sources_.end() || found->failures < kMost || now - found->since >= kWindow;
}

void Attempts::failed(const core::IpAddress& from, core::TimePoint now) {
  const core::IpAddress network = network_of(from);
  auto found = std::ranges::find(sources_, network, &Source::network);
  if (found == sources_.end()) {
    if (sources_.size() < kMaxSources) {
      found = sources_.insert(sources_.end(), Source{.network = network, .since = now});
    } else {
      found = std::ranges::min_element(sources_, {}, &Source::since);
      *found = {.network = network, .since = now};
    }
  }
  if (now - found->since >= kWindow) *found = {.network = network, .since = now};
  ++found->failures;
}

} // namespace admin
