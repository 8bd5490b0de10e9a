// A STUN message as a checked view: parse() walks the whole message once, and what it lets pass
// can be read without further checks. Nothing is copied or allocated.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "libcore/stun/attributes.h"

namespace stun {

enum class ParseError {
  not_stun,            // too short, wrong top bits or no magic cookie: some other protocol
  wrong_length,        // the header's length is not the datagram's, or not a multiple of 4
  broken_attribute,    // one reaches past the end of the message
  too_many_attributes, // more than kMaxAttributes
  misplaced_integrity, // of the wrong size, or FINGERPRINT is not last
};

using TransactionId = std::array<std::uint8_t, kTransactionIdBytes>;

// The first three bytes of a message tell it from ChannelData and from other protocols
// (RFC 7983): a cheap look before parse().
inline bool looks_like_stun(core::Bytes bytes) {
  return bytes.size() >= kHeaderBytes && (bytes[0] & 0xc0) == 0;
}

class Message {
 public:
  // Real messages have about a dozen; the limit bounds the work that one message can ask for.
  static constexpr std::size_t kMaxAttributes = 64;

  // The view borrows `bytes`, which must be exactly one message.
  static std::expected<Message, ParseError> parse(core::Bytes bytes);

  Method method() const { return method_; }
  Class message_class() const { return class_; }
  TransactionId transaction_id() const;
  core::Bytes bytes() const { return bytes_; }

  // The value of the first attribute of that type (RFC 8489 section 14: repeated ones are
  // ignored). Those behind MESSAGE-INTEGRITY don't count (section 14.5), so that nobody can add
  // to a signed message.
  std::optional<core::Bytes> find(Attribute type) const;
  bool has(Attribute type) const { return find(type).has_value(); }
  std::optional<std::string_view> text(Attribute type) const;

  // Calls visit(std::uint16_t type, core::Bytes value) for each attribute that counts, in order.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    std::size_t at = kHeaderBytes;
    while (at < counted_end_) {
      const std::uint16_t type = core::load16(bytes_.data() + at);
      const std::size_t size = core::load16(bytes_.data() + at + 2);
      visit(type, bytes_.subspan(at + kAttributeHeaderBytes, size));
      at += kAttributeHeaderBytes + padded(size);
    }
  }

  // Where integrity attributes start, for those who check them; nullopt when absent.
  std::optional<std::size_t> integrity_offset() const { return offset(integrity_); }
  std::optional<std::size_t> integrity_sha256_offset() const { return offset(integrity_sha256_); }
  std::optional<std::size_t> fingerprint_offset() const { return offset(fingerprint_); }

 private:
  static std::optional<std::size_t> offset(std::uint32_t value) {
    return value == 0 ? std::nullopt : std::optional<std::size_t>(value);
  }

  core::Bytes bytes_;
  std::size_t counted_end_ = 0;
  std::uint32_t integrity_ = 0;
  std::uint32_t integrity_sha256_ = 0;
  std::uint32_t fingerprint_ = 0;
  Method method_{};
  Class class_{};
};

constexpr std::uint8_t family_number(core::Family family) {
  return family == core::Family::ipv4 ? kFamilyIpv4 : kFamilyIpv6;
}

// The address in the value of a XOR-…-ADDRESS attribute; nullopt when it is malformed.
std::optional<core::SocketAddress> decode_xor_address(core::Bytes value,
                                                      const TransactionId& transaction);

// Of one as in MAPPED-ADDRESS, OTHER-ADDRESS, RESPONSE-ORIGIN, ALTERNATE-SERVER.
std::optional<core::SocketAddress> decode_address(core::Bytes value);

// The comprehension-required attributes of a message that are not among those known, in order,
// each once, for UNKNOWN-ATTRIBUTES.
class UnknownAttributes {
 public:
  static constexpr std::size_t kMax = 16; // more are not listed: the refusal is clear enough

  UnknownAttributes(const Message& message, std::span<const Attribute> known);
  bool empty() const { return count_ == 0; }
  std::span<const std::uint16_t> types() const { return {types_.data(), count_}; }

 private:
  std::array<std::uint16_t, kMax> types_{};
  std::size_t count_ = 0;
};

} // namespace stun
