// Any bytes as one STUN message. What parse() lets pass must be readable without surprises, and
// rebuilding it from its attributes must give the same message again.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "libcore/stun/access_token.h"
#include "libcore/stun/builder.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "libcore/stun/nonce.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

const auto kKey = core::bytes_of("a key");

// Signing with any key and then checking with it must succeed.
void check_rebuilt(const stun::Message& message) {
  std::vector<std::uint8_t> room(message.bytes().size() + 128);
  stun::MessageBuilder builder(room, message.method(), message.message_class(),
                               message.transaction_id());
  message.for_each([&](std::uint16_t type, core::Bytes value) {
    if (type != static_cast<std::uint16_t>(stun::Attribute::fingerprint)) {
      builder.add(static_cast<stun::Attribute>(type), value);
    }
  });
  builder.sign(kKey);
  builder.sign_sha256(kKey);
  builder.add_fingerprint();
  const core::Bytes bytes = builder.finish();
  must(!bytes.empty());
  if (bytes.size() > 65535) return; // a longer length than the header can say
  const auto rebuilt = stun::Message::parse(bytes);
  if (!rebuilt) {
    must(rebuilt.error() == stun::ParseError::too_many_attributes);
    return;
  }
  must(stun::has_valid_integrity(*rebuilt, kKey));
  must(stun::has_valid_integrity_sha256(*rebuilt, kKey));
  must(stun::fingerprint_is_right_or_absent(*rebuilt));
  must(rebuilt->method() == message.method());
  must(rebuilt->message_class() == message.message_class());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::Bytes bytes(data, size);
  const auto message = stun::Message::parse(bytes);
  if (!message) return 0;

  std::size_t attributes = 0;
  message->for_each([&](std::uint16_t type, core::Bytes value) {
    must(value.data() >= bytes.data() + stun::kHeaderBytes);
    must(value.data() + value.size() <= bytes.data() + bytes.size());
    must(message->has(static_cast<stun::Attribute>(type)));
    if (const auto address = stun::decode_xor_address(value, message->transaction_id())) {
      (void)address->to_string();
    }
    ++attributes;
  });
  must(attributes <= stun::Message::kMaxAttributes);

  static constexpr std::array kKnown{stun::Attribute::username, stun::Attribute::lifetime};
  const stun::UnknownAttributes unknown(*message, kKnown);
  for (const std::uint16_t type : unknown.types()) {
    must(stun::comprehension_required(type));
    must(std::ranges::find(kKnown, static_cast<stun::Attribute>(type)) == kKnown.end());
  }
  (void)stun::has_valid_integrity(*message, kKey);
  (void)stun::has_valid_integrity_sha256(*message, kKey);
  (void)stun::fingerprint_is_right_or_absent(*message);

  const stun::NonceMaker nonces(stun::NonceMaker::Key{1}, std::chrono::seconds(600));
  if (const auto nonce = message->text(stun::Attribute::nonce)) {
    const core::SocketAddress client(core::IpAddress::v4(192, 0, 2, 1), 40000);
    must(!nonces.features_of(*nonce, client, core::WallTime{}));
  }
  if (const auto value = message->find(stun::Attribute::password_algorithm)) {
    must(!stun::parse_password_algorithm(*value) || value->size() == 4);
  }
  if (const auto value = message->find(stun::Attribute::access_token)) {
    (void)stun::open_access_token(*value, stun::TokenAlgorithm::a256gcm,
                                  core::bytes_of("12345678901234567890123456789012"), "server");
  }
  check_rebuilt(*message);
  return 0;
}
