#include "libcore/stun/nonce.h"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace {

using std::chrono::seconds;

constexpr core::WallTime kNow{seconds(1'800'000'000)};
const core::SocketAddress kClient(core::IpAddress::v4(192, 0, 2, 7), 40000);

stun::NonceMaker maker(std::uint8_t key) { return {stun::NonceMaker::Key{key}, seconds(600)}; }

bool is_fresh(const stun::NonceMaker& maker, std::string_view nonce,
              const core::SocketAddress& client, core::WallTime now) {
  return maker.features_of(nonce, client, now).has_value();
}

TEST_CASE("rule 14: a nonce needs no state: it is known again, for its client, for its time") {
  const auto nonce = maker(1).make(kClient, 0, kNow);
  const auto text = stun::text_of(nonce);
  CHECK(is_fresh(maker(1), text, kClient, kNow));
  CHECK(is_fresh(maker(1), text, kClient, kNow + seconds(600)));
  CHECK_FALSE(is_fresh(maker(1), text, kClient, kNow + seconds(601)));
  CHECK_FALSE(is_fresh(maker(2), text, kClient, kNow));
  CHECK_FALSE(is_fresh(maker(1), text,
                       core::SocketAddress(core::IpAddress::v4(192, 0, 2, 8), 40000), kNow));
}

TEST_CASE("a nonce survives a clock that steps back a little, but not one from the future") {
  const auto nonce = maker(1).make(kClient, 0, kNow);
  CHECK(is_fresh(maker(1), stun::text_of(nonce), kClient, kNow - seconds(5)));
  CHECK_FALSE(is_fresh(maker(1), stun::text_of(nonce), kClient, kNow - seconds(6)));
}

TEST_CASE("RFC 8489 9.2.1: a nonce says what was offered with it, whatever is offered now") {
  const auto features = stun::kFeaturePasswordAlgorithms | stun::kFeatureUsernameAnonymity;
  const auto nonce = maker(1).make(kClient, features, kNow);
  // As RFC 8489 18.1 counts the bits and RFC 8656 20 has them; and as erratum 6290 does, and B.1.
  CHECK(stun::text_of(nonce).starts_with("obMatJos2wAAD"));
  CHECK(maker(1).features_of(stun::text_of(nonce), kClient, kNow) == features);
}

TEST_CASE("every character of a nonce is covered, the security features too (RFC 8489 9.2.1)") {
  const auto nonce = maker(1).make(kClient, stun::kFeaturePasswordAlgorithms, kNow);
  const std::string text(stun::text_of(nonce));
  CHECK(text.starts_with("obMatJos2gAAB"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(is_fresh(maker(1), changed, kClient, kNow));
  }
}

TEST_CASE(
    "RFC 8489 9.2.4: two requests get different nonces unless address and port are the same") {
  const core::SocketAddress other_port(kClient.ip(), 40001);
  const auto nonce = maker(1).make(kClient, 0, kNow);
  CHECK(nonce != maker(1).make(other_port, 0, kNow));
  CHECK_FALSE(is_fresh(maker(1), stun::text_of(nonce), other_port, kNow));
}

TEST_CASE("a nonce doesn't come back to life when the time that it shows comes round") {
  const auto nonce = maker(1).make(kClient, 0, kNow);
  constexpr seconds kRound{1 << 18};
  const auto again = maker(1).make(kClient, 0, kNow + kRound);
  CHECK(stun::text_of(nonce).substr(0, 16) == stun::text_of(again).substr(0, 16));
  CHECK_FALSE(is_fresh(maker(1), stun::text_of(nonce), kClient, kNow + kRound));
}

TEST_CASE("texts that never were nonces are stale") {
  const auto checker = maker(1);
  CHECK_FALSE(is_fresh(checker, "", kClient, kNow));
  CHECK_FALSE(is_fresh(checker, "obMatJos2", kClient, kNow));
  CHECK_FALSE(is_fresh(checker, std::string(stun::NonceMaker::kNonceBytes, '!'), kClient, kNow));
  CHECK_FALSE(is_fresh(checker, std::string(4096, 'A'), kClient, kNow));
}

TEST_CASE("nonces of IPv4 and IPv6 clients with the same bytes differ") {
  core::IpAddress six_ip;
  six_ip.family = core::Family::ipv6;
  six_ip.octets = kClient.ip().octets;
  const core::SocketAddress six(six_ip, kClient.port());
  const auto nonce = maker(1).make(kClient, 0, kNow);
  CHECK_FALSE(is_fresh(maker(1), stun::text_of(nonce), six, kNow));
}

} // namespace
