#include "turnd/shell/default_limits.h"

#include <catch2/catch_test_macros.hpp>

#include "libcore/config/limit.h"

namespace {

using turnd::quota_limits;
using turnd::Settings;

Settings settings(Settings::Transport transport) {
  Settings made;
  made.listeners.resize(1);
  made.listeners[0].transport = transport;
  made.relay.addresses = {core::IpAddress::v4(198, 51, 100, 130)};
  made.credentials.users.emplace("pexip", core::Secret("admin123"));
  return made;
}

TEST_CASE("by default there are as many allocations as ports, if there are descriptors for them") {
  Settings udp = settings(Settings::Transport::udp);
  CHECK(quota_limits(udp, 1'000'000).in_all == 16384);
  CHECK(quota_limits(udp, 10'256).in_all == 10'000);
  CHECK(quota_limits(settings(Settings::Transport::tcp), 10'256).in_all == 5'000);
  CHECK(quota_limits(udp, 100).in_all == 0);
  udp.relay.addresses.push_back(core::IpAddress::v4(198, 51, 100, 131));
  CHECK(quota_limits(udp, 1'000'000).in_all == 32768);
}

TEST_CASE("by default one of several users has half of them, a single one all") {
  Settings made = settings(Settings::Transport::udp);
  CHECK(quota_limits(made, 10'256).per_user == 10'000);
  made.credentials.users.emplace("other", core::Secret("x"));
  CHECK(quota_limits(made, 10'256).per_user == 5'000);
  made = settings(Settings::Transport::udp);
  made.credentials.shared_secrets.emplace_back("north");
  CHECK(quota_limits(made, 10'256).per_user == 5'000);
}

TEST_CASE("what is written holds, 0 as no limit") {
  Settings made = settings(Settings::Transport::udp);
  made.limits.allocations = config::kNoLimit;
  made.limits.allocations_per_user = 7;
  CHECK(quota_limits(made, 10'256).in_all == turnd::QuotaLimits::kNone);
  CHECK(quota_limits(made, 10'256).per_user == 7);
  made.limits.allocations_per_user = config::kNoLimit;
  CHECK(quota_limits(made, 10'256).per_user == turnd::QuotaLimits::kNone);
}

} // namespace
