#include "libcore/stun/builder.h"

#include <array>

namespace stun {

std::uint16_t message_type(Method method, Class message_class) {
  const auto m = static_cast<unsigned>(method);
  const auto c = static_cast<unsigned>(message_class);
  return static_cast<std::uint16_t>((m & 0x00f) | ((m & 0x070) << 1) | ((m & 0xf80) << 2) |
                                    ((c & 1) << 4) | ((c & 2) << 7));
}

MessageBuilder::MessageBuilder(core::MutableBytes room, Method method, Class message_class,
                               const TransactionId& transaction)
    : writer_(room), transaction_(transaction) {
  writer_.u16(message_type(method, message_class));
  writer_.u16(0); // the length, by finish()
  writer_.u32(kMagicCookie);
  writer_.bytes(transaction);
}

void MessageBuilder::header(Attribute type, std::size_t size) {
  writer_.u16(static_cast<std::uint16_t>(type));
  writer_.u16(static_cast<std::uint16_t>(size));
}

void MessageBuilder::add(Attribute type, core::Bytes value) {
  header(type, value.size());
  writer_.bytes(value);
  writer_.zeros(padded(value.size()) - value.size());
}

void MessageBuilder::add_u32(Attribute type, std::uint32_t value) {
  header(type, 4);
  writer_.u32(value);
}

void MessageBuilder::add_address(Attribute type, const core::SocketAddress& address) {
  const core::IpAddress ip = address.ip();
  header(type, 4 + ip.bytes().size());
  writer_.u8(0);
  writer_.u8(family_number(ip.family));
  writer_.u16(address.port());
  writer_.bytes(ip.bytes());
}

void MessageBuilder::add_xor_address(Attribute type, const core::SocketAddress& address) {
  const core::IpAddress ip = address.ip();
  const core::Bytes octets = ip.bytes();
  header(type, 4 + octets.size());
  writer_.u8(0);
  writer_.u8(family_number(ip.family));
  writer_.u16(static_cast<std::uint16_t>(address.port() ^ (kMagicCookie >> 16)));
  writer_.u32(core::load32(octets.data()) ^ kMagicCookie);
  for (std::size_t i = 4; i < octets.size(); ++i) {
    writer_.u8(static_cast<std::uint8_t>(octets[i] ^ transaction_[i - 4]));
  }
}

// RFC 8489 section 14.8: the hundreds and the rest of the code stand in two bytes.
void MessageBuilder::add_error(ErrorCode code, std::string_view reason) {
  const auto number = static_cast<unsigned>(code);
  header(Attribute::error_code, 4 + reason.size());
  writer_.u16(0);
  writer_.u8(static_cast<std::uint8_t>(number / 100));
  writer_.u8(static_cast<std::uint8_t>(number % 100));
  writer_.bytes(core::bytes_of(reason));
  writer_.zeros(padded(reason.size()) - reason.size());
}

void MessageBuilder::add_address_error(std::uint8_t family, ErrorCode code) {
  const auto number = static_cast<unsigned>(code);
  header(Attribute::address_error_code, 4);
  writer_.u8(family);
  writer_.u8(0);
  writer_.u8(static_cast<std::uint8_t>(number / 100));
  writer_.u8(static_cast<std::uint8_t>(number % 100));
}

void MessageBuilder::add_unknown_attributes(std::span<const std::uint16_t> types) {
  header(Attribute::unknown_attributes, types.size() * 2);
  for (const std::uint16_t type : types) writer_.u16(type);
  writer_.zeros(padded(types.size() * 2) - types.size() * 2);
}

void MessageBuilder::sign(core::Bytes key) {
  if (!writer_.ok()) return;
  const auto value = integrity_of(writer_.written(), key);
  add(Attribute::message_integrity, value);
}

void MessageBuilder::sign_sha256(core::Bytes key) {
  if (!writer_.ok()) return;
  const auto value = integrity_sha256_of(writer_.written(), key);
  add(Attribute::message_integrity_sha256, value);
}

void MessageBuilder::add_fingerprint() {
  if (!writer_.ok()) return;
  add_u32(Attribute::fingerprint, fingerprint_of(writer_.written()));
}

core::Bytes MessageBuilder::finish() {
  if (!writer_.ok()) return {};
  const core::MutableBytes all = writer_.written();
  core::store16(all.data() + 2, static_cast<std::uint16_t>(all.size() - kHeaderBytes));
  return all;
}

} // namespace stun
