#include "libcore/stun/integrity.h"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "libcore/stun/builder.h"
#include "tests/unit/libcore/stun/hex.h"

namespace {

using stun::Attribute;

const auto kShortTermKey = core::bytes_of("VOkJxbRl1RmTxUk/WvJxBt");

stun::Message parse(const std::vector<std::uint8_t>& bytes) {
  const auto message = stun::Message::parse(bytes);
  REQUIRE(message.has_value());
  return *message;
}

TEST_CASE("RFC 5769 2.1: sample request") {
  const auto bytes = hex(R"(
      00010058 2112a442 b7e7a701bc34d686fa87dfae
      80220010 5354554e207465737420636c69656e74
      00240004 6e0001ff
      80290008 932ff9b151263b36
      00060009 6576746a3a68367659202020
      00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
      80280004 e57a3bcf)");
  const auto message = parse(bytes);
  CHECK(message.method() == stun::Method::binding);
  CHECK(message.message_class() == stun::Class::request);
  CHECK(message.text(Attribute::software) == "STUN test client");
  CHECK(message.text(Attribute::username) == "evtj:h6vY");
  CHECK(stun::has_valid_integrity(message, kShortTermKey));
  CHECK_FALSE(stun::has_valid_integrity(message, core::bytes_of("VOkJxbRl1RmTxUk/WvJxBu")));
  CHECK(stun::fingerprint_is_right_or_absent(message));
}

TEST_CASE("RFC 5769 2.2: sample IPv4 response") {
  const auto bytes = hex(R"(
      0101003c 2112a442 b7e7a701bc34d686fa87dfae
      8022000b 7465737420766563746f7220
      00200008 0001a147e112a643
      00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
      80280004 c07d4c96)");
  const auto message = parse(bytes);
  CHECK(message.message_class() == stun::Class::success);
  CHECK(message.text(Attribute::software) == "test vector");
  CHECK(stun::decode_xor_address(message.find(Attribute::xor_mapped_address).value(),
                                 message.transaction_id()) ==
        core::SocketAddress::parse("192.0.2.1:32853"));
  CHECK(stun::has_valid_integrity(message, kShortTermKey));
  CHECK(stun::fingerprint_is_right_or_absent(message));
}

TEST_CASE("RFC 5769 2.3: sample IPv6 response") {
  const auto bytes = hex(R"(
      01010048 2112a442 b7e7a701bc34d686fa87dfae
      8022000b 7465737420766563746f7220
      00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
      00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
      80280004 c8fb0b4c)");
  const auto message = parse(bytes);
  CHECK(stun::decode_xor_address(message.find(Attribute::xor_mapped_address).value(),
                                 message.transaction_id()) ==
        core::SocketAddress::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
  CHECK(stun::has_valid_integrity(message, kShortTermKey));
  CHECK(stun::fingerprint_is_right_or_absent(message));
}

TEST_CASE("RFC 5769 2.4: sample request with long-term authentication") {
  const auto bytes = hex(R"(
      00010060 2112a442 78ad3433c6ad72c029da412e
      00060012 e3839ee38388e383aae38383e382afe382b90000
      0015001c 662f2f3439396b39353464364f4c33346f4c394653547679363473 41
      0014000b 6578616d706c652e6f726700
      00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666)");
  const auto message = parse(bytes);
  const auto key =
      stun::long_term_key_md5("\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9", "example.org", "TheMatrIX");
  CHECK(stun::has_valid_integrity(message, key.bytes()));
  CHECK_FALSE(stun::has_valid_integrity_sha256(message, key.bytes()));
}

// With the erratum that adds PASSWORD-ALGORITHM and corrects the length.
TEST_CASE("RFC 8489 B.1: sample request with MESSAGE-INTEGRITY-SHA256 and USERHASH") {
  const auto bytes = hex(R"(
      00010090 2112a442 78ad3433c6ad72c029da412e
      001e0020 4a3cf38f ef6992bd a952c678 0417da0f 24819415 569e60b2 05c46e41 407f1704
      00150029 6f624d61 744a6f73 32414141 43662f2f 3439396b 39353464 364f4c33 346f4c39 46535476
               79363473 41000000
      0014000b 6578616d706c652e6f726700
      001d0004 00020000
      001c0020 b5c7bf00 5b6c52a2 1c51c5e8 92f81924 136296cb 927c4314 9309278c c6518e65)");
  const auto message = parse(bytes);
  const auto key = stun::long_term_key_sha256("\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9", "example.org",
                                              "TheMatrIX");
  CHECK(stun::has_valid_integrity_sha256(message, key.bytes()));
  CHECK_FALSE(stun::has_valid_integrity(message, key.bytes()));
}

TEST_CASE("RFC 8489 B.1: USERHASH is the SHA-256 of name and realm (14.4)") {
  const auto expected =
      hex("4a3cf38f ef6992bd a952c678 0417da0f 24819415 569e60b2 05c46e41 407f1704");
  CHECK(std::ranges::equal(stun::userhash_of("\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9", "example.org"),
                           expected));
}

TEST_CASE("RFC 8489 14.6: MESSAGE-INTEGRITY-SHA256 may be cut only where the usage says so") {
  for (const std::size_t size : {16U, 20U, 24U, 28U, 32U}) {
    std::array<std::uint8_t, 256> room{};
    stun::MessageBuilder builder(room, stun::Method::allocate, stun::Class::request, {});
    std::array<std::uint8_t, 256> copy = room;
    const auto value =
        stun::integrity_sha256_of(core::Bytes(copy).first(20), core::bytes_of("key"), size);
    builder.add(Attribute::message_integrity_sha256, core::Bytes(value).first(size));
    const auto message = stun::Message::parse(builder.finish()).value();
    CHECK(stun::has_valid_integrity_sha256(message, core::bytes_of("key"), 16));
    CHECK(stun::has_valid_integrity_sha256(message, core::bytes_of("key")) == (size == 32));
  }
}

TEST_CASE("RFC 8489 14.12: PASSWORD-ALGORITHM is one of those offered, without parameters") {
  const auto parse = [](const char* text) { return stun::parse_password_algorithm(hex(text)); };
  CHECK(parse("00010000") == stun::PasswordAlgorithm::md5);
  CHECK(parse("00020000") == stun::PasswordAlgorithm::sha256);
  for (const char* text : {"", "0002", "00000000", "00030000", "00020004", "0002000000000000"}) {
    CHECK_FALSE(parse(text));
  }
}

TEST_CASE("a long-term key of SHA-256 is the hash of user, realm and password (RFC 8489 9.2.2)") {
  const auto key = stun::long_term_key_sha256("user", "realm", "pass");
  const auto expected = hex("07e934117abd40836e7c6329b54731b2b2d2a5f9a71f544922d75e0730d8251b");
  CHECK(std::ranges::equal(key.bytes(), expected));
}

TEST_CASE("rule 15: the integrity's length excludes FINGERPRINT, and any flipped bit shows") {
  std::array<std::uint8_t, 256> room{};
  stun::MessageBuilder builder(room, stun::Method::allocate, stun::Class::request,
                               stun::TransactionId{7});
  builder.add_text(Attribute::username, "user");
  builder.sign(core::bytes_of("key"));
  builder.sign_sha256(core::bytes_of("key"));
  builder.add_fingerprint();
  const auto built = builder.finish();
  REQUIRE_FALSE(built.empty());
  const std::vector<std::uint8_t> good(built.begin(), built.end());
  CHECK(stun::has_valid_integrity(parse(good), core::bytes_of("key")));
  CHECK(stun::has_valid_integrity_sha256(parse(good), core::bytes_of("key")));
  CHECK(stun::fingerprint_is_right_or_absent(parse(good)));

  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    auto flipped = good;
    flipped[byte] ^= 1;
    const auto message = stun::Message::parse(flipped);
    const bool accepted = message && stun::has_valid_integrity(*message, core::bytes_of("key")) &&
                          stun::has_valid_integrity_sha256(*message, core::bytes_of("key")) &&
                          message->fingerprint_offset() &&
                          stun::fingerprint_is_right_or_absent(*message);
    CHECK_FALSE(accepted);
  }
}

TEST_CASE("without the attribute there is no integrity") {
  std::array<std::uint8_t, 64> room{};
  stun::MessageBuilder builder(room, stun::Method::binding, stun::Class::request, {});
  const auto built = builder.finish();
  const auto message = stun::Message::parse(built).value();
  CHECK_FALSE(stun::has_valid_integrity(message, core::bytes_of("key")));
  CHECK_FALSE(stun::has_valid_integrity_sha256(message, core::bytes_of("key")));
  CHECK(stun::fingerprint_is_right_or_absent(message));
}

} // namespace
