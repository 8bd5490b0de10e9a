// Writes one STUN message into a span that the caller owns. Padding is zeros (RFC 8489
// section 14). The order of calls is the order of attributes:
//
//   stun::MessageBuilder answer(room, stun::Method::allocate, stun::Class::success, id);
//   answer.add_xor_address(stun::Attribute::xor_relayed_address, relayed);
//   answer.sign(key.bytes());        // then only sign_sha256() and add_fingerprint()
//   answer.add_fingerprint();
//   core::Bytes bytes = answer.finish();  // empty when it did not fit
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "libcore/stun/attributes.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"

namespace stun {

class MessageBuilder {
 public:
  MessageBuilder(core::MutableBytes room, Method method, Class message_class,
                 const TransactionId& transaction);

  void add(Attribute type, core::Bytes value);
  void add_text(Attribute type, std::string_view text) { add(type, core::bytes_of(text)); }
  void add_u32(Attribute type, std::uint32_t value);
  void add_address(Attribute type, const core::SocketAddress& address); // as MAPPED-ADDRESS
  void add_xor_address(Attribute type, const core::SocketAddress& address);
  void add_error(ErrorCode code, std::string_view reason = {});
  void add_address_error(std::uint8_t family, ErrorCode code); // RFC 8656 section 18.9
  void add_unknown_attributes(std::span<const std::uint16_t> types);

  void sign(core::Bytes key);        // MESSAGE-INTEGRITY
  void sign_sha256(core::Bytes key); // MESSAGE-INTEGRITY-SHA256
  void sign(Integrity kind, core::Bytes key) {
    kind == Integrity::sha1 ? sign(key) : sign_sha256(key);
  }
  void add_fingerprint(); // the last of all

  std::size_t size() const { return writer_.size(); } // so far

  // Sets the header's length. Borrowed from the room given at construction.
  core::Bytes finish();

 private:
  void header(Attribute type, std::size_t size);

  core::ByteWriter writer_;
  TransactionId transaction_;
};

std::uint16_t message_type(Method method, Class message_class);

} // namespace stun
