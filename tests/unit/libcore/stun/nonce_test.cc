#include "libcore/stun/nonce.h"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace {

using std::chrono::seconds;

constexpr core::WallTime kNow{seconds(1'800'000'000)};
const auto kClient = core::IpAddress::v4(192, 0, 2, 7);

stun::NonceMaker maker(std::uint8_t key, std::uint32_t features = 0) {
  return {stun::NonceMaker::Key{key}, features, seconds(600)};
}

TEST_CASE("rule 14: a nonce needs no state: it is known again, for its client, for its time") {
  const auto nonce = maker(1).make(kClient, kNow);
  const auto text = stun::text_of(nonce);
  CHECK(maker(1).is_fresh(text, kClient, kNow));
  CHECK(maker(1).is_fresh(text, kClient, kNow + seconds(600)));
  CHECK_FALSE(maker(1).is_fresh(text, kClient, kNow + seconds(601)));
  CHECK_FALSE(maker(2).is_fresh(text, kClient, kNow));
  CHECK_FALSE(maker(1).is_fresh(text, core::IpAddress::v4(192, 0, 2, 8), kNow));
}

TEST_CASE("a nonce survives a clock that steps back a little, but not one from the future") {
  const auto nonce = maker(1).make(kClient, kNow);
  CHECK(maker(1).is_fresh(stun::text_of(nonce), kClient, kNow - seconds(5)));
  CHECK_FALSE(maker(1).is_fresh(stun::text_of(nonce), kClient, kNow - seconds(6)));
}

TEST_CASE("every character of a nonce is covered, the security features too (RFC 8489 9.2.1)") {
  const auto nonce = maker(1, stun::kFeaturePasswordAlgorithms).make(kClient, kNow);
  const std::string text(stun::text_of(nonce));
  CHECK(text.starts_with("obMatJos2gAAA"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(maker(1, stun::kFeaturePasswordAlgorithms).is_fresh(changed, kClient, kNow));
  }
  CHECK_FALSE(maker(1).is_fresh(text, kClient, kNow));
}

TEST_CASE("texts that never were nonces are stale") {
  const auto checker = maker(1);
  CHECK_FALSE(checker.is_fresh("", kClient, kNow));
  CHECK_FALSE(checker.is_fresh("obMatJos2", kClient, kNow));
  CHECK_FALSE(checker.is_fresh(std::string(stun::NonceMaker::kNonceBytes, '!'), kClient, kNow));
  CHECK_FALSE(checker.is_fresh(std::string(4096, 'A'), kClient, kNow));
}

TEST_CASE("nonces of IPv4 and IPv6 clients with the same bytes differ") {
  core::IpAddress six;
  six.family = core::Family::ipv6;
  six.octets = kClient.octets;
  const auto nonce = maker(1).make(kClient, kNow);
  CHECK_FALSE(maker(1).is_fresh(stun::text_of(nonce), six, kNow));
}

} // namespace
