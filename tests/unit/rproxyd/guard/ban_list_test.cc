#include "rproxyd/guard/ban_list.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

core::TimePoint at(core::Duration t) { return core::TimePoint(t); }
core::IpAddress ip(std::string_view text) { return *core::IpAddress::parse(text); }
Ban ban(std::string_view network, core::Duration until) {
  return {.network = *parse_client_network(network), .until = at(until)};
}

} // namespace

TEST_CASE("a ban applies to the network and to what lies in it") {
  BanList bans;
  bans.add(ban("203.0.113.7", 100s), 0s);
  bans.add(ban("2001:db8:1:2::/64", 100s), 0s);
  bans.add(ban("2001:db8:2::/56", 100s), 0s);
  bans.add(ban("2001:db8:3::/48", 100s), 0s);
  CHECK(bans.find(ip("203.0.113.7")));
  CHECK(bans.find(ip("::ffff:203.0.113.7")));
  CHECK_FALSE(bans.find(ip("203.0.113.8")));
  CHECK(bans.find(ip("2001:db8:1:2::9")));
  CHECK_FALSE(bans.find(ip("2001:db8:1:3::9")));
  CHECK(bans.find(ip("2001:db8:2:ff::9")));
  CHECK_FALSE(bans.find(ip("2001:db8:2:100::9")));
  CHECK(bans.find(ip("2001:db8:3:ffff::9")));
}

TEST_CASE("a ban ends in time, and is remembered for as long as was said") {
  BanList bans;
  bans.add(ban("203.0.113.7", 100s), 50s);
  CHECK(bans.expire(at(100s - 1ns)).empty());
  CHECK(bans.expire(at(100s)).size() == 1);
  CHECK_FALSE(bans.find(ip("203.0.113.7")));
  CHECK(bans.in_force().empty());
  CHECK(bans.all().size() == 1);
  CHECK(bans.offences(*parse_client_network("203.0.113.7")) == 1);
  CHECK(bans.expire(at(150s)).empty());
  CHECK(bans.offences(*parse_client_network("203.0.113.7")) == 0);
  CHECK(bans.all().empty());
}

TEST_CASE("a flood of bans evicts none that is in force") {
  BanList bans(2);
  REQUIRE(bans.add(ban("203.0.113.1", 100s), 1000s));
  REQUIRE(bans.add(ban("203.0.113.2", 300s), 1000s));
  CHECK_FALSE(bans.add(ban("203.0.113.3", 300s), 1000s));
  CHECK(bans.add(ban("203.0.113.1", 200s), 1000s)); // the same network: in its place
  CHECK(bans.size() == 2);
  bans.expire(at(200s));
  CHECK(bans.add(ban("203.0.113.3", 300s), 1000s)); // one that has ended gives way
  CHECK(bans.offences(*parse_client_network("203.0.113.1")) == 0);
  CHECK(bans.find(ip("203.0.113.2")));
}

TEST_CASE("what is lifted is forgotten") {
  BanList bans;
  bans.add(ban("203.0.113.1", 100s), 50s);
  bans.add(ban("203.0.113.2", 100s), 50s);
  CHECK(bans.remove(*parse_client_network("203.0.113.1")));
  CHECK_FALSE(bans.remove(*parse_client_network("203.0.113.1")));
  CHECK_FALSE(bans.find(ip("203.0.113.1")));
  bans.expire(at(100s));
  CHECK_FALSE(bans.remove(*parse_client_network("203.0.113.2"))); // none in force
  CHECK(bans.all().empty());
  bans.add(ban("203.0.113.1", 200s), 50s);
  CHECK(bans.clear().size() == 1);
  CHECK(bans.expire(at(1000s)).empty());
}
