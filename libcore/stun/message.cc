#include "libcore/stun/message.h"

#include <algorithm>

namespace stun {
namespace {

constexpr std::size_t kIntegrityBytes = 20;
constexpr std::size_t kIntegritySha256MinBytes = 16; // RFC 8489 section 14.6: may be truncated
constexpr std::size_t kIntegritySha256MaxBytes = 32;
constexpr std::size_t kFingerprintBytes = 4;

// RFC 8489 section 5, figure 3: the method's bits lie around the two bits of the class.
//
//    0                 1
//    2  3  4 5 6 7 8 9 0 1 2 3 4 5
//   +--+--+-+-+-+-+-+-+-+-+-+-+-+-+
//   |M |M |M|M|M|C|M|M|M|C|M|M|M|M|
//   |11|10|9|8|7|1|6|5|4|0|3|2|1|0|
//   +--+--+-+-+-+-+-+-+-+-+-+-+-+-+
Method method_of(std::uint16_t type) {
  return static_cast<Method>((type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2));
}

Class class_of(std::uint16_t type) {
  return static_cast<Class>(((type & 0x0010) >> 4) | ((type & 0x0100) >> 7));
}

} // namespace

//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |0 0|     message type          |     length (without header)   |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                  magic cookie 0x2112a442                      |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                  transaction id (96 bits)                     |
//   |                                                               |
//   |                                                               |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |     attribute type            |     length (without padding)  |  any number of these,
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+  each padded to a
//   |                  value, padding                           ...    multiple of four
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
std::expected<Message, ParseError> Message::parse(core::Bytes bytes) {
  if (!looks_like_stun(bytes)) return std::unexpected(ParseError::not_stun);
  if (core::load32(bytes.data() + 4) != kMagicCookie) return std::unexpected(ParseError::not_stun);
  const std::size_t length = core::load16(bytes.data() + 2);
  if (length % 4 != 0 || length + kHeaderBytes != bytes.size()) {
    return std::unexpected(ParseError::wrong_length);
  }

  Message message;
  message.bytes_ = bytes;
  const std::uint16_t type = core::load16(bytes.data());
  message.method_ = method_of(type);
  message.class_ = class_of(type);
  message.counted_end_ = bytes.size();

  bool behind_integrity = false;
  std::size_t count = 0;
  std::size_t at = kHeaderBytes;
  while (at < bytes.size()) {
    // The length is a multiple of four, so an attribute's header is always there.
    const auto attribute = static_cast<Attribute>(core::load16(bytes.data() + at));
    const std::size_t size = core::load16(bytes.data() + at + 2);
    const std::size_t end = at + kAttributeHeaderBytes + padded(size);
    if (end > bytes.size()) return std::unexpected(ParseError::broken_attribute);
    if (++count > kMaxAttributes) return std::unexpected(ParseError::too_many_attributes);

    switch (attribute) {
      case Attribute::message_integrity:
        // Once MESSAGE-INTEGRITY-SHA256 has passed, the older one counts no more.
        if (behind_integrity) break;
        if (size != kIntegrityBytes) return std::unexpected(ParseError::misplaced_integrity);
        message.integrity_ = static_cast<std::uint32_t>(at);
        break;
      case Attribute::message_integrity_sha256:
        if (message.integrity_sha256_ != 0) break;
        if (size < kIntegritySha256MinBytes || size > kIntegritySha256MaxBytes || size % 4 != 0) {
          return std::unexpected(ParseError::misplaced_integrity);
        }
        message.integrity_sha256_ = static_cast<std::uint32_t>(at);
        break;
      case Attribute::fingerprint:
        if (size != kFingerprintBytes || end != bytes.size()) {
          return std::unexpected(ParseError::misplaced_integrity);
        }
        message.fingerprint_ = static_cast<std::uint32_t>(at);
        break;
      default:
        break;
    }
    if (!behind_integrity && (message.integrity_ != 0 || message.integrity_sha256_ != 0)) {
      behind_integrity = true;
      message.counted_end_ = at;
    }
    at = end;
  }
  return message;
}

TransactionId Message::transaction_id() const {
  TransactionId id;
  std::copy_n(bytes_.data() + 8, id.size(), id.data());
  return id;
}

std::optional<core::Bytes> Message::find(Attribute type) const {
  std::size_t at = kHeaderBytes;
  while (at < counted_end_) {
    const std::size_t size = core::load16(bytes_.data() + at + 2);
    if (core::load16(bytes_.data() + at) == static_cast<std::uint16_t>(type)) {
      return bytes_.subspan(at + kAttributeHeaderBytes, size);
    }
    at += kAttributeHeaderBytes + padded(size);
  }
  return std::nullopt;
}

std::optional<std::string_view> Message::text(Attribute type) const {
  const auto value = find(type);
  if (!value) return std::nullopt;
  return core::text_of(*value);
}

// RFC 8489 section 14.2. The port is XORed with the cookie's first half, an IPv4 address with the
// cookie, an IPv6 address with the cookie and the transaction id.
//
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |0 0 0 0 0 0 0 0|    family     |         X-port                |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                X-address (32 or 128 bits)                     |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
std::optional<core::SocketAddress> decode_xor_address(core::Bytes value,
                                                      const TransactionId& transaction) {
  std::array<std::uint8_t, 20> plain{};
  if (value.size() < 4 || value.size() > plain.size()) return std::nullopt;
  std::ranges::copy(value, plain.begin());
  plain[2] ^= static_cast<std::uint8_t>(kMagicCookie >> 24);
  plain[3] ^= static_cast<std::uint8_t>(kMagicCookie >> 16);
  core::store32(&plain[4], core::load32(&plain[4]) ^ kMagicCookie);
  for (std::size_t i = 0; i < transaction.size(); ++i) plain[8 + i] ^= transaction[i];
  return decode_address(core::Bytes(plain).first(value.size()));
}

std::optional<core::SocketAddress> decode_address(core::Bytes value) {
  if (value.size() < 4) return std::nullopt;
  const std::uint16_t port = core::load16(&value[2]);
  const core::Bytes octets = value.subspan(4);
  if (value[1] == kFamilyIpv4 && octets.size() == 4) {
    return core::SocketAddress(core::IpAddress::from_v4(octets), port);
  }
  if (value[1] == kFamilyIpv6 && octets.size() == 16) {
    return core::SocketAddress(core::IpAddress::from_v6(octets), port);
  }
  return std::nullopt;
}

UnknownAttributes::UnknownAttributes(const Message& message, std::span<const Attribute> known) {
  message.for_each([&](std::uint16_t type, core::Bytes) {
    if (!comprehension_required(type)) return;
    if (std::ranges::find(known, static_cast<Attribute>(type)) != known.end()) return;
    if (std::ranges::find(types(), type) != types().end() || count_ == kMax) return;
    types_[count_++] = type;
  });
}

} // namespace stun
