#include "libcore/stun/access_token.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/libcore/stun/hex.h"

namespace {

const auto kKey = core::bytes_of("12345678901234567890123456789012");
constexpr std::string_view kServer = "turn.example.com";

// Made with another library: mac_key of 20 bytes 0x00 to 0x13, 1800000000 s, 3600 s.
const char* const kToken =
    "000c000102030405060708090a0b5840671b77089e6fa087393a98f47a4f56d50d2e36754b37c8c386e2a839b7c54f"
    "95afe96a056e775384a3f7c4079da63faf";

TEST_CASE("RFC 7635 6.2: a token holds the key, the time and the lifetime") {
  const auto token =
      stun::open_access_token(hex(kToken), stun::TokenAlgorithm::a256gcm, kKey, kServer);
  REQUIRE(token);
  CHECK(
      std::ranges::equal(token->mac_key.bytes(), hex("000102030405060708090a0b0c0d0e0f10111213")));
  CHECK(token->made == core::WallTime(std::chrono::seconds(1'800'000'000)));
  CHECK(token->lifetime == std::chrono::seconds(3600));
}

TEST_CASE("RFC 7635 6.2: the shorter algorithm takes the shorter key") {
  CHECK(stun::open_access_token(
      hex("000c000102030405060708090a0b9e8b2ef47488b0322c330515115cabcc35072818c1842b6a730e7d5234d0"
          "36f8bde982174b06e7e83f766a8403233cbe6b45"),
      stun::TokenAlgorithm::a128gcm, kKey.first(16), kServer));
}

TEST_CASE("RFC 7635 7: a token for another server, of another key, or with a flipped bit is none") {
  const auto open = [](core::Bytes token, core::Bytes key, std::string_view server) {
    return stun::open_access_token(token, stun::TokenAlgorithm::a256gcm, key, server).has_value();
  };
  const auto good = hex(kToken);
  CHECK(open(good, kKey, kServer));
  CHECK_FALSE(open(good, kKey, "turn.example.org"));
  CHECK_FALSE(open(good, core::bytes_of("22345678901234567890123456789012"), kServer));
  CHECK_FALSE(open(good, kKey.first(16), kServer));
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto flipped = good;
    flipped[i] ^= 1;
    CHECK_FALSE(open(flipped, kKey, kServer));
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(open(core::Bytes(good).first(size), kKey, kServer));
  }
  CHECK_FALSE(open(std::vector<std::uint8_t>(4096), kKey, kServer));
}

TEST_CASE("what is in the token is checked though it is authentic") {
  for (const char* token :
       {"000c000102030405060708090a0b5854671a1e42486aa68031339cef040a01eb9847e294446c87473b95960a",
        "000c000102030405060708090a0b5875671a750b9a6aa680313392ff764258da1d3f24664b37a38a54e2a839b7"
        "c541854c34d25328861e556505ee52a656910f92602b2bd4b07f9e6ac716eba0",
        "000c000102030405060708090a0b5840671a750b9a6aa680313392ff764258da1d3f24664b37c8c386e2a839b7"
        "c54f3b2ec87dcf37bc50a5de52f916cecc9a",
        "000c000102030405060708090a0b5840671a750b9a6aa680313392ff764258da1d3f24664b37c8c386e2a839b7"
        "c54f953413d848c5582170f8fb3e544b086b6c19",
        "000c000102030405060708090a0b5840671a750b9a6aa680313392ff764258da1d3f2466b4c85c75ab1d57c6b7"
        "c54f953a73b3f58ffa435c7492d051ec3df2c7",
        "000c000102030405060708090a0b0fc0ec66c5c9638079d945c9b0ae4b55"}) {
    CHECK_FALSE(stun::open_access_token(hex(token), stun::TokenAlgorithm::a256gcm, kKey, kServer));
  }
}

} // namespace
