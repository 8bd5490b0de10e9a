#include "libcore/proxy_protocol/header.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "libcore/proxy_protocol/checksum.h"

using core::SocketAddress;
using proxy_protocol::Encoded;
using proxy_protocol::Endpoints;
using proxy_protocol::Error;
using proxy_protocol::Header;
using proxy_protocol::parse;
using namespace std::string_literals;

namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string kIpv4Block("\xc0\x00\x02\x01\xc6\x33\x64\x82\xdc\x04\x01\xbb", 12);
const std::string kIpv6Block =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
    "\xdc\x04\x01\xbb"s;

std::string v2(char command, char family, const std::string& body) {
  const auto size = static_cast<std::uint16_t>(body.size());
  return kSignature + command + family + static_cast<char>(size >> 8) +
         static_cast<char>(size & 0xff) + body;
}

std::string tlv(char type, const std::string& value) {
  return type + std::string(1, static_cast<char>(value.size() >> 8)) +
         static_cast<char>(value.size() & 0xff) + value;
}

std::expected<std::optional<Header>, Error> parsed(const std::string& text) {
  return parse(core::bytes_of(text));
}

Header header_of(const std::string& text) {
  const auto result = parsed(text);
  REQUIRE(result.has_value());
  REQUIRE(result->has_value());
  return **result;
}

Error error_of(const std::string& text) {
  const auto result = parsed(text);
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

Endpoints endpoints(std::string_view source, std::string_view destination) {
  return {.source = *SocketAddress::parse(source),
          .destination = *SocketAddress::parse(destination)};
}

const Endpoints kIpv4 = endpoints("192.0.2.1:56324", "198.51.100.130:443");
const Endpoints kIpv6 = endpoints("[2001:db8::1]:56324", "[2001:db8::2]:443");

} // namespace

TEST_CASE("section 2.1: the lines of version 1 with their longest forms") {
  const std::string shortest = "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n";
  CHECK(header_of(shortest).endpoints ==
        endpoints("255.255.255.255:65535", "255.255.255.255:65535"));
  CHECK(header_of(shortest).size == 56);
  const std::string ip = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const std::string longest = "PROXY TCP6 " + ip + " " + ip + " 65535 65535\r\n";
  CHECK(longest.size() == 104);
  CHECK(header_of(longest).endpoints == endpoints("[" + ip + "]:65535", "[" + ip + "]:65535"));
  CHECK(header_of("PROXY TCP4 192.0.2.1 198.51.100.130 56324 443\r\nGET / HTTP/1.1\r\n").size ==
        47);
}

TEST_CASE("section 2.1: UNKNOWN keeps the connection's own addresses, whatever follows") {
  CHECK(header_of("PROXY UNKNOWN\r\n").size == 15);
  CHECK_FALSE(header_of("PROXY UNKNOWN\r\n").endpoints);
  const std::string worst =
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
  CHECK(worst.size() == 107);
  CHECK(header_of(worst).size == 107);
}

TEST_CASE("section 2.1: a line without its end within 107 bytes is no header") {
  const std::string line = "PROXY UNKNOWN " + std::string(91, 'x');
  CHECK_FALSE(parsed(line).value().has_value());
  CHECK(header_of(line + "\r\n").size == 107);
  CHECK(error_of(line + "x\r\n") == Error::malformed);
}

TEST_CASE("section 2.1: what a line of version 1 may not look like") {
  for (const auto* line :
       {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 056324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +1 443\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 1 443\r\n", "PROXY TCP4 192.0.2 198.51.100.1 1 443\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 443\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.1 1 443\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.1 1 443\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.1 1 443\r\n", "PROXY \r\n", "PROXY\r\n",
        "PROXY TCP4\r\n"}) {
    CAPTURE(line);
    const auto result = parsed(line);
    CHECK_FALSE(result.has_value());
  }
}

TEST_CASE("section 2.2: version 2 over IPv4 and IPv6") {
  CHECK(header_of(v2('\x21', '\x11', kIpv4Block) + "rest").endpoints == kIpv4);
  CHECK(header_of(v2('\x21', '\x11', kIpv4Block) + "rest").size == 28);
  CHECK(header_of(v2('\x21', '\x21', kIpv6Block)).endpoints == kIpv6);
  CHECK(header_of(v2('\x21', '\x21', kIpv6Block)).size == 52);
  CHECK(header_of(v2('\x21', '\x12', kIpv4Block)).endpoints == kIpv4); // a datagram's
}

TEST_CASE("section 2.2: LOCAL, UNSPEC and Unix sockets keep the connection's own addresses") {
  CHECK_FALSE(header_of(v2('\x20', '\x00', "")).endpoints);
  CHECK_FALSE(header_of(v2('\x20', '\x11', kIpv4Block)).endpoints);
  CHECK(header_of(v2('\x20', '\x11', kIpv4Block)).size == 28);
  CHECK(header_of(v2('\x20', '\xff', "abc")).size == 19); // all but the length is discarded
  CHECK_FALSE(header_of(v2('\x21', '\x00', "whatever")).endpoints);
  CHECK_FALSE(header_of(v2('\x21', '\x31', std::string(216, '/'))).endpoints);
}

TEST_CASE("section 2.2: what version 2 may not look like") {
  CHECK(error_of(v2('\x11', '\x11', kIpv4Block)) == Error::malformed); // version 1
  CHECK(error_of(v2('\x31', '\x11', kIpv4Block)) == Error::malformed); // version 3
  CHECK(error_of(v2('\x22', '\x11', kIpv4Block)) == Error::malformed); // a third command
  CHECK(error_of(v2('\x21', '\x41', kIpv4Block)) == Error::malformed);
  CHECK(error_of(v2('\x21', '\x13', kIpv4Block)) == Error::malformed);
  CHECK(error_of(v2('\x21', '\x11', kIpv4Block.substr(1))) == Error::malformed);
  CHECK(error_of(v2('\x21', '\x21', kIpv6Block.substr(1))) == Error::malformed);
  CHECK(error_of(v2('\x21', '\x31', std::string(215, '/'))) == Error::malformed);
  for (std::size_t size = 0; size < 36; ++size) {
    CHECK(error_of(v2('\x21', '\x21', kIpv6Block.substr(0, size))) == Error::malformed);
  }
}

TEST_CASE("section 2.2: TLVs are skipped, and must fit") {
  const auto with = [](const std::string& tlvs) { return v2('\x21', '\x11', kIpv4Block + tlvs); };
  const auto header = header_of(with(tlv(1, "h2") + tlv(2, "example.com") + tlv(4, "")));
  CHECK(header.endpoints == kIpv4);
  CHECK(header.size == 28 + 5 + 14 + 3);
  CHECK(error_of(with(tlv(1, "h2").substr(0, 4))) == Error::malformed);
  CHECK(error_of(with("\x01\x00"s)) == Error::malformed);
  CHECK(error_of(with("\x01"s)) == Error::malformed);
}

TEST_CASE("section 2.2.3: a checksum that is there must be right") {
  std::string header =
      v2('\x21', '\x11', kIpv4Block + tlv(1, "h2") + tlv(3, "\0\0\0\0"s) + tlv(4, "x"));
  const std::uint32_t crc = proxy_protocol::crc32c(core::bytes_of(header));
  CHECK(error_of(header) == Error::wrong_checksum);
  for (std::size_t i = 0; i < 4; ++i) {
    header[28 + 5 + 3 + i] = static_cast<char>(crc >> (24 - 8 * i));
  }
  CHECK(header_of(header).endpoints == kIpv4);
  header[20] ^= 1;
  CHECK(error_of(header) == Error::wrong_checksum);
  CHECK(error_of(v2('\x21', '\x11', kIpv4Block + tlv(3, "\0\0\0"s))) == Error::malformed);
}

TEST_CASE("a header is bounded, and waited for no further than that") {
  const auto of_size = [](std::size_t body) { return v2('\x20', '\x00', std::string(body, 'x')); };
  CHECK(header_of(of_size(proxy_protocol::kLongestHeader - 16)).size ==
        proxy_protocol::kLongestHeader);
  CHECK(error_of(of_size(proxy_protocol::kLongestHeader - 15).substr(0, 16)) == Error::too_long);
}

TEST_CASE("every part of a header waits for the rest, and anything else is told at once") {
  for (const std::string& whole :
       {v2('\x21', '\x21', kIpv6Block), "PROXY TCP4 192.0.2.1 198.51.100.130 56324 443\r\n"s,
        "PROXY UNKNOWN\r\n"s}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto result = parsed(whole.substr(0, size));
      REQUIRE(result.has_value());
      CHECK_FALSE(result->has_value());
    }
  }
  CHECK(error_of("G") == Error::not_a_header);
  CHECK(error_of("PROXY\t") == Error::not_a_header);
  CHECK(error_of("\r\n\r\n\r") == Error::not_a_header);
  CHECK(error_of("\x16\x03\x01") == Error::not_a_header);      // TLS
  CHECK(error_of("\x00\x01\x00\x00"s) == Error::not_a_header); // STUN
}

TEST_CASE("addresses of a proxy's dual-stack socket are the IPv4 addresses that they are") {
  CHECK(header_of("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.130 56324 443\r\n").endpoints ==
        kIpv4);
  const std::string mapped = "\0\0\0\0\0\0\0\0\0\0\xff\xff"s;
  CHECK(header_of(
            v2('\x21', '\x21', mapped + kIpv4Block.substr(0, 4) + mapped + kIpv4Block.substr(4)))
            .endpoints == kIpv4);
}

TEST_CASE("what is encoded is read back, in either version") {
  const Endpoints mixed = endpoints("192.0.2.1:56324", "[2001:db8::2]:443");
  for (const Endpoints& each : {kIpv4, kIpv6, mixed}) {
    for (const Encoded& encoded : {encode_v1(each), encode_v2(each)}) {
      const auto header = parse(encoded.bytes());
      REQUIRE(header.has_value());
      REQUIRE(header->has_value());
      CHECK((*header)->endpoints == each);
      CHECK((*header)->size == encoded.bytes().size());
    }
  }
  CHECK(core::text_of(encode_v1(kIpv4).bytes()) ==
        "PROXY TCP4 192.0.2.1 198.51.100.130 56324 443\r\n");
  CHECK(core::text_of(encode_v2(kIpv4).bytes()) == v2('\x21', '\x11', kIpv4Block));
  CHECK(core::text_of(encode_v2(kIpv6).bytes()) == v2('\x21', '\x21', kIpv6Block));
}

TEST_CASE("a connection of the proxy's own is told as LOCAL, in version 1 as UNKNOWN") {
  CHECK(core::text_of(proxy_protocol::encode_v1(std::nullopt).bytes()) == "PROXY UNKNOWN\r\n");
  CHECK(core::text_of(proxy_protocol::encode_v2(std::nullopt).bytes()) == v2('\x20', '\x00', ""));
}
