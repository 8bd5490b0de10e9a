#include "libcore/stun/message.h"

#include <catch2/catch_test_macros.hpp>

#include "libcore/stun/builder.h"
#include "tests/unit/libcore/stun/hex.h"

namespace {

using stun::Attribute;

constexpr stun::TransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

stun::ParseError error_of(const std::vector<std::uint8_t>& bytes) {
  const auto message = stun::Message::parse(bytes);
  REQUIRE_FALSE(message.has_value());
  return message.error();
}

std::vector<std::uint8_t> binding_request(std::string_view attributes = "") {
  auto bytes = hex("0001 0000 2112a442 0102030405060708090a0b0c");
  const auto more = hex(attributes);
  bytes.insert(bytes.end(), more.begin(), more.end());
  core::store16(bytes.data() + 2, static_cast<std::uint16_t>(more.size()));
  return bytes;
}

TEST_CASE("every method and class survives building and parsing (RFC 8489 5)") {
  for (const auto method :
       {stun::Method::binding, stun::Method::allocate, stun::Method::refresh, stun::Method::send,
        stun::Method::data, stun::Method::create_permission, stun::Method::channel_bind,
        stun::Method::connection_attempt, static_cast<stun::Method>(0xfff)}) {
    for (const auto kind : {stun::Class::request, stun::Class::indication, stun::Class::success,
                            stun::Class::error}) {
      std::array<std::uint8_t, 64> room{};
      stun::MessageBuilder builder(room, method, kind, kId);
      const auto message = stun::Message::parse(builder.finish());
      REQUIRE(message.has_value());
      CHECK(message->method() == method);
      CHECK(message->message_class() == kind);
      CHECK(message->transaction_id() == kId);
    }
  }
}

TEST_CASE("message types on the wire are those of RFC 8656 17") {
  CHECK(stun::message_type(stun::Method::allocate, stun::Class::request) == 0x0003);
  CHECK(stun::message_type(stun::Method::allocate, stun::Class::success) == 0x0103);
  CHECK(stun::message_type(stun::Method::allocate, stun::Class::error) == 0x0113);
  CHECK(stun::message_type(stun::Method::send, stun::Class::indication) == 0x0016);
  CHECK(stun::message_type(stun::Method::data, stun::Class::indication) == 0x0017);
}

TEST_CASE("what is not STUN is told apart before anything else") {
  CHECK(error_of({}) == stun::ParseError::not_stun);
  CHECK(error_of(hex("0001 0000 2112a442 0102030405060708090a0b")) == stun::ParseError::not_stun);
  CHECK(error_of(hex("4001 0000 2112a442 0102030405060708090a0b0c")) == stun::ParseError::not_stun);
  CHECK(error_of(hex("c001 0000 2112a442 0102030405060708090a0b0c")) == stun::ParseError::not_stun);
  CHECK(error_of(hex("0001 0000 2112a443 0102030405060708090a0b0c")) == stun::ParseError::not_stun);
}

TEST_CASE("a length that is not the datagram's is refused") {
  CHECK(error_of(hex("0001 0004 2112a442 0102030405060708090a0b0c")) ==
        stun::ParseError::wrong_length);
  CHECK(error_of(hex("0001 0000 2112a442 0102030405060708090a0b0c 00000000")) ==
        stun::ParseError::wrong_length);
  CHECK(error_of(hex("0001 0003 2112a442 0102030405060708090a0b0c 000000")) ==
        stun::ParseError::wrong_length);
}

TEST_CASE("rule 29: an attribute never reaches past the message") {
  CHECK(error_of(binding_request("0006 0005 61626364")) == stun::ParseError::broken_attribute);
  CHECK(error_of(binding_request("0006 ffff 61626364")) == stun::ParseError::broken_attribute);
  CHECK(error_of(binding_request("0006 fffd")) == stun::ParseError::broken_attribute);
  CHECK(stun::Message::parse(binding_request("0006 0004 61626364")).has_value());
  CHECK(stun::Message::parse(binding_request("0006 0000")).has_value());
}

TEST_CASE("the number of attributes is limited") {
  std::string attributes;
  for (std::size_t i = 0; i < stun::Message::kMaxAttributes; ++i) attributes += "8022 0000";
  CHECK(stun::Message::parse(binding_request(attributes)).has_value());
  CHECK(error_of(binding_request(attributes + "8022 0000")) ==
        stun::ParseError::too_many_attributes);
}

TEST_CASE("rule 17: of repeated attributes the first counts (RFC 8489 14)") {
  const auto bytes = binding_request("0006 0001 61000000 0006 0001 62000000");
  const auto message = stun::Message::parse(bytes);
  REQUIRE(message.has_value());
  CHECK(message->text(Attribute::username) == "a");
}

TEST_CASE("rule 15: attributes behind MESSAGE-INTEGRITY don't count (RFC 8489 14.5)") {
  const std::string integrity = "0008 0014 0000000000000000000000000000000000000000";
  const auto bytes = binding_request("0006 0001 61000000" + integrity + "000d 0004 00000001");
  const auto message = stun::Message::parse(bytes);
  REQUIRE(message.has_value());
  CHECK(message->has(Attribute::username));
  CHECK_FALSE(message->has(Attribute::lifetime));
  CHECK(message->integrity_offset() == stun::kHeaderBytes + 8);
  int seen = 0;
  message->for_each([&](std::uint16_t, core::Bytes) { ++seen; });
  CHECK(seen == 1);
}

TEST_CASE("rule 15: FINGERPRINT behind MESSAGE-INTEGRITY is seen, and only as the last") {
  const std::string integrity = "0008 0014 0000000000000000000000000000000000000000";
  const auto bytes = binding_request(integrity + "8028 0004 00000000");
  const auto message = stun::Message::parse(bytes);
  REQUIRE(message.has_value());
  CHECK(message->fingerprint_offset() == stun::kHeaderBytes + 24);
  CHECK(error_of(binding_request("8028 0004 00000000" + integrity)) ==
        stun::ParseError::misplaced_integrity);
  CHECK(error_of(binding_request("8028 0008 0000000000000000")) ==
        stun::ParseError::misplaced_integrity);
}

TEST_CASE("integrity attributes have the sizes of RFC 8489 14.5 and 14.6") {
  CHECK(error_of(binding_request("0008 0010 00000000000000000000000000000000")) ==
        stun::ParseError::misplaced_integrity);
  CHECK(error_of(binding_request("001c 000c 000000000000000000000000")) ==
        stun::ParseError::misplaced_integrity);
  const auto shortest = binding_request("001c 0010 00000000000000000000000000000000");
  const auto message = stun::Message::parse(shortest);
  REQUIRE(message.has_value());
  CHECK(message->integrity_sha256_offset() == stun::kHeaderBytes);
}

TEST_CASE("XOR addresses survive building and parsing (rule 29: IPv6 uses the transaction id)") {
  for (const char* text : {"192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}) {
    const auto address = core::SocketAddress::parse(text).value();
    std::array<std::uint8_t, 64> room{};
    stun::MessageBuilder builder(room, stun::Method::binding, stun::Class::success, kId);
    builder.add_xor_address(Attribute::xor_mapped_address, address);
    const auto message = stun::Message::parse(builder.finish()).value();
    const auto value = message.find(Attribute::xor_mapped_address).value();
    CHECK(stun::decode_xor_address(value, kId) == address);
    const bool ipv6 = address.family() == core::Family::ipv6;
    const auto other = stun::decode_xor_address(value, stun::TransactionId{});
    CHECK((other == address) == !ipv6);
  }
}

TEST_CASE("malformed XOR addresses are no addresses") {
  CHECK_FALSE(stun::decode_xor_address(hex(""), kId));
  CHECK_FALSE(stun::decode_xor_address(hex("0001 0000"), kId));
  CHECK_FALSE(stun::decode_xor_address(hex("0001 0000 000000"), kId));
  CHECK_FALSE(stun::decode_xor_address(hex("0001 0000 0000000000"), kId));
  CHECK_FALSE(stun::decode_xor_address(hex("0002 0000 00000000"), kId));
  CHECK_FALSE(stun::decode_xor_address(hex("0003 0000 00000000"), kId));
}

TEST_CASE("rule 28: unknown comprehension-required attributes are collected, each once") {
  const auto bytes = binding_request("7ff0 0000 0006 0000 7ff1 0000 7ff0 0000 fff0 0000");
  const auto message = stun::Message::parse(bytes).value();
  const std::array known{Attribute::username};
  const stun::UnknownAttributes unknown(message, known);
  REQUIRE(unknown.types().size() == 2);
  CHECK(unknown.types()[0] == 0x7ff0);
  CHECK(unknown.types()[1] == 0x7ff1);
}

TEST_CASE("the list of unknown attributes is limited") {
  std::string attributes;
  for (std::size_t i = 0; i < stun::UnknownAttributes::kMax + 1; ++i) {
    const char digit = static_cast<char>(i < 10 ? '0' + i : 'a' + (i - 10));
    attributes += std::string("7f0") + (i < 16 ? digit : '0') + "0000";
  }
  attributes += "7ff0 0000";
  const auto bytes = binding_request(attributes);
  const auto message = stun::Message::parse(bytes).value();
  CHECK(stun::UnknownAttributes(message, {}).types().size() == stun::UnknownAttributes::kMax);
}

TEST_CASE("a builder without room gives nothing") {
  std::array<std::uint8_t, 27> room{};
  stun::MessageBuilder builder(room, stun::Method::binding, stun::Class::success, kId);
  builder.add_u32(Attribute::lifetime, 600);
  builder.sign(core::bytes_of("key"));
  builder.add_fingerprint();
  CHECK(builder.finish().empty());
}

TEST_CASE("ERROR-CODE carries hundreds and the rest apart (RFC 8489 14.8)") {
  std::array<std::uint8_t, 64> room{};
  stun::MessageBuilder builder(room, stun::Method::allocate, stun::Class::error, kId);
  builder.add_error(stun::ErrorCode::stale_nonce, "Stale");
  const auto bytes = builder.finish();
  CHECK(std::vector(bytes.begin() + 20, bytes.end()) ==
        hex("0009 0009 00000426 5374616c65 000000"));
}

} // namespace
