// The stateless half of a DTLS 1.2 handshake (RFC 6347 section 4.2.1): a client that says hello gets a
// cookie, and only one that brings it back, and so has shown that it is at its address, gets a
// session. BoringSSL has no such thing. Pure: bytes in, bytes out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "libcore/base/time.h"

namespace tls {

// The start of a ClientHello, up to its cookie; borrows from the datagram. One that is fragmented
// counts by its first fragment.
//
//   record     type 22 | version | epoch 0 | sequence(6) | length(2)
//   handshake  type 1 | length(3) | message sequence(2) | fragment's offset(3) and length(3)
//   body       version | random(32) | session id | cookie | ...
struct ClientHello {
  std::uint64_t record_sequence;
  std::uint16_t message_sequence;
  core::Bytes random;
  core::Bytes session_id;
  core::Bytes cookie; // empty in the first hello
};

// nullopt: anything else.
std::optional<ClientHello> parse_client_hello(core::Bytes datagram);

class HelloCookies {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kCookieBytes = 16;
  // A cookie is good for one to two of these.
  static constexpr core::Duration kSlot = std::chrono::seconds(30);
  // Shorter than any hello that it answers.
  static constexpr std::size_t kVerifyRequestBytes = 28 + kCookieBytes;

  using Key = std::array<std::uint8_t, kKeyBytes>;
  using VerifyRequest = std::array<std::uint8_t, kVerifyRequestBytes>;

  explicit HelloCookies(const Key& key) : key_(key) {}
  ~HelloCookies();
  HelloCookies(const HelloCookies&) = delete;
  HelloCookies& operator=(const HelloCookies&) = delete;

  bool brings_its_cookie(const ClientHello& hello, const core::SocketAddress& client,
                         const core::SocketAddress& server, core::TimePoint now) const;
  // HelloVerifyRequest, with the numbers of the hello that it answers.
  VerifyRequest ask(const ClientHello& hello, const core::SocketAddress& client,
                    const core::SocketAddress& server, core::TimePoint now) const;

 private:
  using Cookie = std::array<std::uint8_t, kCookieBytes>;
  Cookie cookie_of(const ClientHello& hello, const core::SocketAddress& client,
                   const core::SocketAddress& server, std::uint64_t slot) const;

  Key key_;
};

} // namespace tls
