#include "rproxyd/guard/client_network.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {
std::string network(std::string_view address) {
  return network_of(*core::IpAddress::parse(address)).to_string();
}
std::string parsed(std::string_view text) {
  const auto found = parse_client_network(text);
  return found ? found->to_string() : "no";
}
} // namespace

TEST_CASE("a client is its IPv4 address, or its IPv6 /64") {
  CHECK(network("203.0.113.7") == "203.0.113.7");
  CHECK(network("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(network("2001:db8:1:2::") == network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
}

TEST_CASE("an IPv4 client is itself behind a socket of both families and behind NAT64") {
  CHECK(network("::ffff:203.0.113.7") == "203.0.113.7");
  CHECK(network("64:ff9b::203.0.113.7") == "203.0.113.7");
}

TEST_CASE("a network widens to the site and to the organisation") {
  const auto own = network_of(*core::IpAddress::parse("2001:db8:aabb:ccdd::1"));
  CHECK(widened(own, kSitePrefix).to_string() == "2001:db8:aabb:cc00::/56");
  CHECK(widened(own, kOrganisationPrefix).to_string() == "2001:db8:aabb::/48");
}

TEST_CASE("what is written is read again, and addresses stand for their network") {
  for (const char* text :
       {"203.0.113.7", "2001:db8:1:2::/64", "2001:db8:1::/56", "2001:db8:1::/48"}) {
    CHECK(parsed(text) == text);
  }
  CHECK(parsed("203.0.113.7/32") == "203.0.113.7");
  CHECK(parsed("2001:db8:1:2::9") == "2001:db8:1:2::/64");
  for (const char* text : {"", "x", "203.0.113.0/24", "2001:db8::/32", "2001:db8::/x", "1.2.3.4/",
                           "2001:db8::/999999999999999999999"}) {
    INFO(text);
    CHECK(parsed(text) == "no");
  }
}
