#include "libcore/base/network.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using core::IpAddress;
using core::Network;
using core::NetworkList;

Network network(std::string_view text) {
  const auto parsed = Network::parse(text);
  INFO(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

bool contains(std::string_view text, std::string_view address) {
  return network(text).contains(*IpAddress::parse(address));
}

TEST_CASE("a network contains its first and its last address, and not their neighbours") {
  CHECK(contains("10.40.0.0/24", "10.40.0.0"));
  CHECK(contains("10.40.0.0/24", "10.40.0.255"));
  CHECK_FALSE(contains("10.40.0.0/24", "10.39.255.255"));
  CHECK_FALSE(contains("10.40.0.0/24", "10.40.1.0"));
  CHECK(contains("172.16.0.0/12", "172.31.255.255"));
  CHECK_FALSE(contains("172.16.0.0/12", "172.32.0.0"));
  CHECK_FALSE(contains("172.16.0.0/12", "172.15.255.255"));
  CHECK(contains("2001:db8::/33", "2001:db8:7fff:ffff::"));
  CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::"));
  CHECK(contains("fe80::/10", "febf::1"));
  CHECK_FALSE(contains("fe80::/10", "fec0::1"));
}

TEST_CASE("a prefix length of 0 contains its whole family, the longest one address") {
  CHECK(contains("0.0.0.0/0", "255.255.255.255"));
  CHECK(contains("::/0", "ffff::"));
  CHECK(contains("192.0.2.1/32", "192.0.2.1"));
  CHECK_FALSE(contains("192.0.2.1/32", "192.0.2.0"));
  CHECK(contains("2001:db8::1/128", "2001:db8::1"));
  CHECK_FALSE(contains("2001:db8::1/128", "2001:db8::"));
  CHECK(contains("192.0.2.1/31", "192.0.2.0"));
  CHECK_FALSE(contains("192.0.2.1/31", "192.0.2.2"));
}

TEST_CASE("an address alone is a network of one") {
  CHECK(contains("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(contains("192.0.2.1", "192.0.2.2"));
  CHECK(network("192.0.2.1").to_string() == "192.0.2.1/32");
  CHECK(network("::1").to_string() == "::1/128");
}

TEST_CASE("bits of the address behind the prefix don't count") {
  CHECK(contains("10.40.0.77/24", "10.40.0.1"));
}

TEST_CASE("families never match each other, but \"any\" is both") {
  CHECK_FALSE(contains("0.0.0.0/0", "::"));
  CHECK_FALSE(contains("::/0", "0.0.0.0"));
  CHECK_FALSE(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
  CHECK(contains("any", "10.0.0.1"));
  CHECK(contains("any", "2001:db8::1"));
  CHECK(network("any").to_string() == "any");
  CHECK(network("any").prefix() == 0);
}

TEST_CASE("a network that was never parsed contains nobody who calls") {
  CHECK_FALSE(Network().contains(*IpAddress::parse("192.0.2.1")));
  CHECK_FALSE(Network().contains(*IpAddress::parse("::1")));
}

TEST_CASE("what is no network is refused") {
  for (const std::string text : {"",
                                 "/",
                                 "/24",
                                 "10.0.0.0/",
                                 "10.0.0.0/33",
                                 "10.0.0.0/-1",
                                 "10.0.0.0/+8",
                                 "10.0.0.0/8 ",
                                 "10.0.0.0 /8",
                                 "10.0.0.0/0x8",
                                 "10.0.0.0/8/8",
                                 "10.0.0/8",
                                 "10.0.0.0/255.0.0.0",
                                 "::/129",
                                 "::/4294967296",
                                 "[::]/64",
                                 "any/8",
                                 "Any",
                                 "all",
                                 "example.com"}) {
    INFO(text);
    CHECK_FALSE(Network::parse(text).has_value());
  }
}

TEST_CASE("a list contains what any of its networks does, and knows the most specific one") {
  const NetworkList list(
      {network("10.0.0.0/8"), network("10.40.0.0/16"), network("2001:db8::/32")});
  const auto ip = [](std::string_view text) { return *IpAddress::parse(text); };
  CHECK(list.contains(ip("10.1.2.3")));
  CHECK(list.contains(ip("2001:db8::1")));
  CHECK_FALSE(list.contains(ip("11.0.0.1")));
  CHECK(list.longest_prefix(ip("10.40.2.3")) == 16U);
  CHECK(list.longest_prefix(ip("10.41.2.3")) == 8U);
  CHECK(list.longest_prefix(ip("11.0.0.1")) == std::nullopt);
  CHECK(NetworkList({Network::any()}).longest_prefix(ip("::1")) == 0U);
  CHECK(NetworkList().empty());
  CHECK_FALSE(NetworkList().contains(ip("10.0.0.1")));
  CHECK_FALSE(list.empty());
}

} // namespace
