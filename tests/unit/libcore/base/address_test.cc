#include "libcore/base/address.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

using core::IpAddress;
using core::SocketAddress;

IpAddress ip(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  INFO(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

SocketAddress at(std::string_view text) {
  const auto parsed = SocketAddress::parse(text);
  INFO(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

// ---- IP addresses

TEST_CASE("IP addresses are written in their canonical form (RFC 5952)") {
  for (const auto& [text, canonical] : std::vector<std::pair<std::string, std::string>>{
           {"0.0.0.0", "0.0.0.0"},
           {"255.255.255.255", "255.255.255.255"},
           {"198.51.100.130", "198.51.100.130"},
           {"::", "::"},
           {"::1", "::1"},
           {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
           {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
           {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
           {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}}) {
    CHECK(ip(text).to_string() == canonical);
    CHECK(ip(canonical) == ip(text));
  }
}

TEST_CASE("what is no IP address is refused") {
  for (const std::string text : {"",
                                 " ",
                                 "1",
                                 "1.2.3",
                                 "1.2.3.4.5",
                                 "1.2.3.256",
                                 "1.2.3.-4",
                                 "01.2.3.4",
                                 "0x1.2.3.4",
                                 "1.2.3.4 ",
                                 " 1.2.3.4",
                                 "1.2.3.4:80",
                                 "[::1]",
                                 ":",
                                 ":::",
                                 "1::2::3",
                                 "::12345",
                                 "::g",
                                 "fe80::1%eth0",
                                 "fe80::1%1",
                                 "::1/128",
                                 "localhost",
                                 "1.2.3.4\n",
                                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    INFO(text);
    CHECK_FALSE(IpAddress::parse(text).has_value());
  }
  CHECK_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)).has_value());
  CHECK_FALSE(IpAddress::parse(std::string_view("::1\0.example", 12)).has_value());
  CHECK_FALSE(IpAddress::parse(std::string(1'000'000, '1')).has_value());
}

TEST_CASE("the bytes of an address make it again, and their number is its family's") {
  const auto four = ip("192.0.2.1");
  CHECK(four.bytes().size() == 4);
  CHECK(IpAddress::from_v4(four.bytes()) == four);
  CHECK(IpAddress::v4(192, 0, 2, 1) == four);
  const auto six = ip("2001:db8::8:800:200c:417a");
  CHECK(six.bytes().size() == 16);
  CHECK(IpAddress::from_v6(six.bytes()) == six);
}

TEST_CASE("addresses of the two families are never equal, and IPv4 comes first") {
  CHECK(ip("0.0.0.0") != ip("::"));
  CHECK(ip("192.0.2.1") != ip("::ffff:192.0.2.1"));
  CHECK(ip("255.255.255.255") < ip("::"));
  CHECK(ip("9.0.0.0") < ip("10.0.0.0"));
  CHECK(ip("::1") < ip("::2"));
}

TEST_CASE("only all zeros is unspecified") {
  CHECK(ip("0.0.0.0").is_unspecified());
  CHECK(ip("::").is_unspecified());
  CHECK_FALSE(ip("0.0.0.1").is_unspecified());
  CHECK_FALSE(ip("::1").is_unspecified());
  CHECK_FALSE(ip("1::").is_unspecified());
}

TEST_CASE("IPv4 addresses inside IPv6 ones are found for access lists (TURN rule 33)") {
  for (const auto& [text, inside] : std::vector<std::pair<std::string, std::string>>{
           {"::ffff:10.0.0.1", "10.0.0.1"},        // IPv4-mapped, RFC 4291 2.5.5.2
           {"::ffff:0.0.0.0", "0.0.0.0"},          //
           {"::10.0.0.1", "10.0.0.1"},             // IPv4-compatible, RFC 4291 2.5.5.1
           {"::127.0.0.1", "127.0.0.1"},           //
           {"::ffff:0:10.0.0.1", "10.0.0.1"},      // IPv4-translated, RFC 2765
           {"2002:a00:1::", "10.0.0.1"},           // 6to4, RFC 3056
           {"2002:7f00:1:2:3:4:5:6", "127.0.0.1"}, //
           {"64:ff9b::10.0.0.1", "10.0.0.1"},      // NAT64, RFC 6052
           {"64:ff9b::", "0.0.0.0"}}) {
    INFO(text);
    CHECK(ip(text).canonical() == ip(inside));
  }
}

TEST_CASE("addresses with no IPv4 address inside are their own canonical form") {
  for (const std::string text :
       {"10.0.0.1", "0.0.0.0", "::", "::1", "::2", "::ff", "2001:db8::1", "fe80::1",
        "2003:a00:1::", "64:ff9b:1::10.0.0.1", "64:ff9b:0:0:0:1::", "64:ff9c::10.0.0.1",
        "::fffe:10.0.0.1", "::1:ffff:10.0.0.1", "1::ffff:10.0.0.1", "::ffff:1:10.0.0.1"}) {
    INFO(text);
    CHECK(ip(text).canonical() == ip(text));
  }
}

// ---- with a port

TEST_CASE("an address with its port is read and written alike") {
  for (const std::string text : {"0.0.0.0:0", "198.51.100.130:3478", "255.255.255.255:65535",
                                 "[::]:443", "[2001:db8::1]:5349", "[::ffff:192.0.2.1]:1"}) {
    CHECK(at(text).to_string() == text);
  }
  const auto six = at("[2001:db8::1]:5349");
  CHECK(six.family() == core::Family::ipv6);
  CHECK(six.ip() == ip("2001:db8::1"));
  CHECK(six.port() == 5349);
  const auto four = at("192.0.2.1:80");
  CHECK(four.family() == core::Family::ipv4);
  CHECK(four.ip() == ip("192.0.2.1"));
  CHECK(four == SocketAddress(ip("192.0.2.1"), 80));
}

TEST_CASE("what is no address with a port is refused") {
  for (const std::string text : {"",
                                 ":",
                                 ":80",
                                 "1.2.3.4",
                                 "1.2.3.4:",
                                 "1.2.3.4:65536",
                                 "1.2.3.4:-1",
                                 "1.2.3.4:+1",
                                 "1.2.3.4: 1",
                                 "1.2.3.4:1 ",
                                 "1.2.3.4:0x1",
                                 "1.2.3.4:99999999999999999999",
                                 "[1.2.3.4]:80",
                                 "::1:80",
                                 "[::1]",
                                 "[::1]80",
                                 "[::1]:",
                                 "[::1:80",
                                 "::1]:80",
                                 "[[::1]]:80",
                                 "[]:80",
                                 "localhost:80",
                                 "[fe80::1%lo]:80",
                                 "1.2.3.4:80:80"}) {
    INFO(text);
    CHECK_FALSE(SocketAddress::parse(text).has_value());
  }
}

TEST_CASE("the default is 0.0.0.0:0, and with_port() changes the port alone") {
  CHECK(SocketAddress() == at("0.0.0.0:0"));
  for (const std::string text : {"192.0.2.1:1", "[2001:db8::1]:1"}) {
    const auto changed = at(text).with_port(65535);
    CHECK(changed.port() == 65535);
    CHECK(changed.ip() == at(text).ip());
    CHECK(changed.with_port(1) == at(text));
  }
}

TEST_CASE("the kernel's form is taken and given back, each family in its size") {
  for (const std::string text : {"192.0.2.1:3478", "[2001:db8::1]:443"}) {
    const auto address = at(text);
    CHECK(address.kernel_size() ==
          (address.family() == core::Family::ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
    const auto again = SocketAddress::from_kernel(address.kernel(), address.kernel_size());
    REQUIRE(again.has_value());
    CHECK(*again == address);
    // Lengths that don't hold the family's form.
    for (const socklen_t size : {socklen_t{0}, socklen_t{1}, address.kernel_size() - 1}) {
      CHECK_FALSE(SocketAddress::from_kernel(address.kernel(), size).has_value());
    }
  }
  sockaddr local{};
  local.sa_family = AF_UNIX;
  CHECK_FALSE(SocketAddress::from_kernel(&local, sizeof local).has_value());
}

TEST_CASE("equal means same family, address and port") {
  const std::vector<std::string> all{"192.0.2.1:1",     "192.0.2.1:2",         "192.0.2.2:1",
                                     "[2001:db8::1]:1", "[2001:db8::1]:2",     "[2001:db8::2]:1",
                                     "[2001:db9::1]:1", "[::ffff:192.0.2.1]:1"};
  for (const auto& a : all) {
    for (const auto& b : all) {
      CHECK((at(a) == at(b)) == (a == b));
      if (a == b) CHECK(at(a).hash() == at(b).hash());
    }
  }
}

TEST_CASE("hashes differ for neighbours, and for addresses made to make the mixing absorb a part") {
  std::unordered_set<std::size_t> hashes;
  std::size_t count = 0;
  const auto add = [&](const SocketAddress& address) {
    hashes.insert(address.hash());
    ++count;
  };
  for (unsigned i = 0; i < 256; ++i) {
    const auto low = static_cast<std::uint8_t>(i);
    for (const std::uint16_t port : std::array<std::uint16_t, 4>{0, 1, 3478, 65535}) {
      add({IpAddress::v4(10, 0, 0, low), port});
      add({IpAddress::v4(low, 1, 0, 10), port});
      IpAddress six = ip("2001:db8::");
      six.octets[15] = low;
      six.octets[14] = 1;
      add({six, port});
      // The interface identifier of the mixing's own constant: 2^64 prefixes for one client.
      IpAddress chosen = IpAddress::from_v6(std::array<std::uint8_t, 16>{
          0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, low, 0xdb, 0x28, 0xb4, 0xa0, 0xd1, 0x7e, 0x03, 0xe7});
      add({chosen, port});
    }
  }
  CHECK(hashes.size() == count);
}

} // namespace
