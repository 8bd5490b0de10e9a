#include "libcore/tls/hello_cookies.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using tls::HelloCookies;
using namespace std::chrono_literals;

namespace {

constexpr core::TimePoint kNow{std::chrono::hours(5)};
const auto kClient = *core::SocketAddress::parse("192.0.2.1:5000");
const auto kServer = *core::SocketAddress::parse("198.51.100.1:5349");

// A ClientHello with one cipher suite and no extension.
std::vector<std::uint8_t> hello(core::Bytes cookie = {}, std::uint8_t random = 7,
                                std::uint8_t message_sequence = 0) {
  std::vector<std::uint8_t> body{0xfe, 0xfd};
  body.insert(body.end(), 32, random);
  body.push_back(0); // no session id
  body.push_back(static_cast<std::uint8_t>(cookie.size()));
  body.insert(body.end(), cookie.begin(), cookie.end());
  body.insert(body.end(), {0, 2, 0xc0, 0x2b, 1, 0});
  const auto size = static_cast<std::uint8_t>(body.size());
  std::vector<std::uint8_t> message{1, 0, 0, size, 0, message_sequence, 0, 0, 0, 0, 0, size};
  message.insert(message.end(), body.begin(), body.end());
  std::vector<std::uint8_t> datagram{
      22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, static_cast<std::uint8_t>(message.size())};
  datagram.insert(datagram.end(), message.begin(), message.end());
  return datagram;
}

core::Bytes cookie_in(const HelloCookies::VerifyRequest& request) {
  return core::Bytes(request).last(HelloCookies::kCookieBytes);
}

} // namespace

TEST_CASE("RFC 6347 4.2.2: a hello's start is read, up to its cookie") {
  const std::vector<std::uint8_t> cookie{1, 2, 3};
  const auto datagram = hello(cookie, 9, 1);
  const auto parsed = tls::parse_client_hello(datagram);
  REQUIRE(parsed);
  CHECK(parsed->record_sequence == 5);
  CHECK(parsed->message_sequence == 1);
  CHECK(parsed->random.size() == 32);
  CHECK(parsed->random[0] == 9);
  CHECK(parsed->session_id.empty());
  CHECK(core::text_of(parsed->cookie) == "\1\2\3");
}

TEST_CASE("what is cut short before its cookie's end is no hello") {
  const std::vector<std::uint8_t> cookie(16, 1);
  const auto whole = hello(cookie);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(tls::parse_client_hello(core::Bytes(whole).first(size)));
  }
}

TEST_CASE("other records, versions, epochs, messages and fragments are no hellos") {
  const auto with = [](std::size_t at, std::uint8_t value) {
    auto changed = hello();
    changed[at] = value;
    return changed;
  };
  CHECK(tls::parse_client_hello(with(2, 0xfd)));       // DTLS 1.2 in the record
  CHECK_FALSE(tls::parse_client_hello(with(0, 23)));   // application data
  CHECK_FALSE(tls::parse_client_hello(with(1, 3)));    // TLS
  CHECK_FALSE(tls::parse_client_hello(with(4, 1)));    // epoch 1
  CHECK_FALSE(tls::parse_client_hello(with(13, 2)));   // ServerHello
  CHECK_FALSE(tls::parse_client_hello(with(21, 1)));   // not the first fragment
  CHECK_FALSE(tls::parse_client_hello(with(24, 255))); // a fragment longer than the message
  CHECK_FALSE(tls::parse_client_hello(with(59, 33)));  // too long a session id
}

TEST_CASE("a hello may be fragmented behind its cookie") {
  auto datagram = hello();
  datagram[16] = 200; // the message's length; the fragment's stays
  CHECK(tls::parse_client_hello(datagram));
}

TEST_CASE("RFC 6347 4.2.1: HelloVerifyRequest repeats the hello's numbers") {
  const HelloCookies cookies({1});
  const auto datagram = hello();
  const auto request = cookies.ask(*tls::parse_client_hello(datagram), kClient, kServer, kNow);
  const std::vector<std::uint8_t> start{22, 0xfe, 0xff,        0, 0,      0,    0,      0, 0, 0,
                                        5,  0,    12 + 3 + 16, 3, 0,      0,    3 + 16, 0, 0, 0,
                                        0,  0,    0,           0, 3 + 16, 0xfe, 0xff,   16};
  CHECK(std::vector<std::uint8_t>(request.begin(), request.begin() + 28) == start);
  CHECK(request.size() == start.size() + 16);
}

TEST_CASE("rule 35: an answer to a hello is never larger than the hello") {
  CHECK(HelloCookies::kVerifyRequestBytes <= hello().size());
}

TEST_CASE("RFC 6347 4.2.1: a cookie is its client's alone") {
  const HelloCookies cookies({1});
  const auto first = hello();
  const auto request = cookies.ask(*tls::parse_client_hello(first), kClient, kServer, kNow);
  const auto again = hello(cookie_in(request), 7, 1);
  const auto good = *tls::parse_client_hello(again);
  CHECK(cookies.brings_its_cookie(good, kClient, kServer, kNow));
  CHECK_FALSE(cookies.brings_its_cookie(*tls::parse_client_hello(first), kClient, kServer, kNow));
  CHECK_FALSE(cookies.brings_its_cookie(good, kClient.with_port(5001), kServer, kNow));
  CHECK_FALSE(cookies.brings_its_cookie(good, kClient, kServer.with_port(1), kNow));
  CHECK_FALSE(cookies.brings_its_cookie(good, *core::SocketAddress::parse("192.0.2.2:5000"),
                                        kServer, kNow));
  CHECK_FALSE(HelloCookies({2}).brings_its_cookie(good, kClient, kServer, kNow));

  const auto of_other = hello(cookie_in(request), 8, 1); // another hello's random
  CHECK_FALSE(
      cookies.brings_its_cookie(*tls::parse_client_hello(of_other), kClient, kServer, kNow));
  auto changed = hello(cookie_in(request), 7, 1);
  changed[61] ^= 1;
  CHECK_FALSE(cookies.brings_its_cookie(*tls::parse_client_hello(changed), kClient, kServer, kNow));
}

TEST_CASE("a cookie grows old") {
  const HelloCookies cookies({1});
  const auto first = hello();
  const core::TimePoint start{HelloCookies::kSlot * 600};
  const auto request = cookies.ask(*tls::parse_client_hello(first), kClient, kServer, start);
  const auto again = hello(cookie_in(request), 7, 1);
  const auto good = *tls::parse_client_hello(again);
  CHECK(cookies.brings_its_cookie(good, kClient, kServer, start + 2 * HelloCookies::kSlot - 1ns));
  CHECK_FALSE(cookies.brings_its_cookie(good, kClient, kServer, start + 2 * HelloCookies::kSlot));
}
