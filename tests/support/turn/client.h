// A TURN client that only builds and reads bytes: for tests that speak to turnd::Server without a
// socket.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libcore/stun/builder.h"
#include "libcore/stun/channel_data.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "turnd/relay/types.h"

namespace turn_test {

using Buffer = std::vector<std::uint8_t>;

// What a test can't go on without.
template <typename T>
T required(std::optional<T> value) {
  if (!value) std::abort();
  return *std::move(value);
}

inline core::SocketAddress address_of(const char* text) {
  return required(core::SocketAddress::parse(text));
}

// An answer or indication, with its own copy of the bytes.
class Received {
 public:
  explicit Received(core::Bytes bytes) : bytes_(bytes.begin(), bytes.end()) {
    const auto parsed = stun::Message::parse(bytes_);
    if (parsed) message_ = *parsed;
  }
  Received(Received&&) = default;
  Received& operator=(Received&&) = default;
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;
  ~Received() = default;

  bool is_stun() const { return message_.has_value(); }
  const stun::Message& message() const {
    if (!message_) std::abort();
    return *message_;
  }
  const Buffer& bytes() const { return bytes_; }
  bool is_success() const { return is_stun() && message().message_class() == stun::Class::success; }

  int error() const { // 0: none
    if (!is_stun()) return 0;
    const auto value = message().find(stun::Attribute::error_code);
    if (!value || value->size() < 4) return 0;
    return (*value)[2] * 100 + (*value)[3];
  }
  std::optional<core::SocketAddress> address(stun::Attribute type) const {
    const auto value = message().find(type);
    if (!value) return std::nullopt;
    return stun::decode_xor_address(*value, message().transaction_id());
  }
  std::optional<std::uint32_t> u32(stun::Attribute type) const {
    const auto value = message().find(type);
    if (!value || value->size() != 4) return std::nullopt;
    return core::load32(value->data());
  }
  std::string text(stun::Attribute type) const {
    return std::string(message().text(type).value_or(""));
  }
  bool has(stun::Attribute type) const { return message().has(type); }
  // The attributes of one type, in order.
  std::vector<Buffer> all(stun::Attribute wanted) const {
    std::vector<Buffer> values;
    message().for_each([&](std::uint16_t type, core::Bytes value) {
      if (type == static_cast<std::uint16_t>(wanted))
        values.emplace_back(value.begin(), value.end());
    });
    return values;
  }

 private:
  Buffer bytes_;
  std::optional<stun::Message> message_;
};

class Client {
 public:
  Client(std::string username, std::string password, const char* address = "192.0.2.7:40000")
      : username_(std::move(username)), password_(std::move(password)) {
    five_tuple.client = address_of(address);
    five_tuple.server = address_of("198.51.100.130:3478");
  }

  turnd::FiveTuple five_tuple;
  turnd::ClientTag tag{1};
  std::string realm;
  std::string nonce;
  Buffer offered; // PASSWORD-ALGORITHMS

  // A client of RFC 8489: it names one of the algorithms offered, and signs with SHA-256.
  std::optional<stun::PasswordAlgorithm> algorithm;
  bool hides_name = false; // sends USERHASH

  // What a 401 or 438 says is used from then on.
  void learn(const Received& challenge) {
    realm = challenge.text(stun::Attribute::realm);
    nonce = challenge.text(stun::Attribute::nonce);
    const auto algorithms = challenge.all(stun::Attribute::password_algorithms);
    offered = algorithms.empty() ? Buffer() : algorithms.front();
  }
  const std::string& username() const { return username_; }
  stun::Key key() const {
    return stun::long_term_key(algorithm.value_or(stun::PasswordAlgorithm::md5), username_, realm,
                               password_);
  }
  stun::Integrity integrity() const {
    return algorithm ? stun::Integrity::sha256 : stun::Integrity::sha1;
  }
  stun::TransactionId last_transaction() const { return transaction_; }

  using Fill = std::function<void(stun::MessageBuilder&)>;

  static constexpr bool kSigned = true;
  Buffer message(stun::Method method, stun::Class message_class, const Fill& fill,
                 bool sign = false, bool fingerprint = false) {
    core::store32(transaction_.data() + 8, ++counter_);
    return again(method, message_class, fill, sign, fingerprint);
  }
  // With the transaction id of the last message: a retransmission, if the rest is the same.
  Buffer again(stun::Method method, stun::Class message_class, const Fill& fill, bool sign,
               bool fingerprint = false) {
    Buffer room(65600);
    stun::MessageBuilder builder(room, method, message_class, transaction_);
    if (fill) fill(builder);
    if (sign) {
      add_credential(builder);
      builder.sign(integrity(), key().bytes());
    }
    if (fingerprint) builder.add_fingerprint();
    const core::Bytes bytes = builder.finish();
    return {bytes.begin(), bytes.end()};
  }

  // Everything that the integrity needs.
  void add_credential(stun::MessageBuilder& builder) const {
    if (hides_name) {
      builder.add(stun::Attribute::userhash, stun::userhash_of(username_, realm));
    } else {
      builder.add_text(stun::Attribute::username, username_);
    }
    builder.add_text(stun::Attribute::realm, realm);
    builder.add_text(stun::Attribute::nonce, nonce);
    if (!algorithm) return;
    builder.add(stun::Attribute::password_algorithms, offered);
    builder.add_u32(stun::Attribute::password_algorithm,
                    std::uint32_t{static_cast<std::uint16_t>(*algorithm)} << 16);
  }

  Buffer request(stun::Method method, const Fill& fill = {}) {
    return message(method, stun::Class::request, fill, kSigned);
  }
  Buffer unsigned_request(stun::Method method, const Fill& fill = {}) {
    return message(method, stun::Class::request, fill);
  }

  static Fill udp() {
    return [](stun::MessageBuilder& m) {
      m.add_u32(stun::Attribute::requested_transport, std::uint32_t{stun::kTransportUdp} << 24);
    };
  }
  static Fill udp_and(Fill more) {
    return [more = std::move(more)](stun::MessageBuilder& m) {
      udp()(m);
      more(m);
    };
  }
  static Fill lifetime(std::uint32_t seconds) {
    return [=](stun::MessageBuilder& m) { m.add_u32(stun::Attribute::lifetime, seconds); };
  }
  static Fill family(stun::Attribute attribute, std::uint8_t number) {
    return [=](stun::MessageBuilder& m) { m.add_u32(attribute, std::uint32_t{number} << 24); };
  }
  static Fill peers(const std::vector<const char*>& addresses) {
    return [=](stun::MessageBuilder& m) {
      for (const char* address : addresses) {
        m.add_xor_address(stun::Attribute::xor_peer_address, address_of(address));
      }
    };
  }
  static Fill channel(std::uint16_t number, const char* peer) {
    return [=](stun::MessageBuilder& m) {
      m.add_u32(stun::Attribute::channel_number, std::uint32_t{number} << 16);
      m.add_xor_address(stun::Attribute::xor_peer_address, address_of(peer));
    };
  }
  static Fill both(Fill a, Fill b) {
    return [a = std::move(a), b = std::move(b)](stun::MessageBuilder& m) {
      a(m);
      b(m);
    };
  }

  Buffer send_indication(const char* peer, std::string_view payload) {
    return message(stun::Method::send, stun::Class::indication, [&](stun::MessageBuilder& m) {
      m.add_xor_address(stun::Attribute::xor_peer_address, address_of(peer));
      m.add_text(stun::Attribute::data, payload);
    });
  }
  static Buffer channel_data(std::uint16_t number, std::string_view payload) {
    Buffer bytes(stun::kChannelHeaderBytes + payload.size());
    stun::write_channel_header(bytes.data(), number, payload.size());
    std::ranges::copy(payload, bytes.begin() + stun::kChannelHeaderBytes);
    return bytes;
  }

 private:
  std::string username_;
  std::string password_;
  stun::TransactionId transaction_{};
  std::uint32_t counter_ = 0;
};

} // namespace turn_test
