#include "libcore/tls/hello_cookies.h"

#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

#include <algorithm>

namespace tls {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kDtlsMajor = 0xfe;
constexpr std::uint16_t kDtls10 = 0xfeff;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::uint8_t kHelloVerifyRequestMessage = 3;
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kMaxSessionIdBytes = 32;
// Of each address: its family, its 16 bytes, its port.
constexpr std::size_t kAddressBytes = 1 + 16 + 2;

void write_address(core::ByteWriter& writer, const core::SocketAddress& address) {
  const core::IpAddress ip = address.ip();
  writer.u8(ip.family == core::Family::ipv4 ? 4 : 6);
  writer.bytes(ip.octets);
  writer.u16(address.port());
}

void write_u24(core::ByteWriter& writer, std::uint32_t value) {
  writer.u8(static_cast<std::uint8_t>(value >> 16));
  writer.u16(static_cast<std::uint16_t>(value));
}

std::optional<std::uint32_t> read_u24(core::ByteReader& reader) {
  const auto high = reader.u8();
  const auto low = reader.u16();
  if (!high || !low) return std::nullopt;
  return std::uint32_t{*high} << 16 | *low;
}

std::optional<core::Bytes> read_vector(core::ByteReader& reader, std::size_t longest) {
  const auto size = reader.u8();
  if (!size || *size > longest) return std::nullopt;
  return reader.take(*size);
}

std::uint64_t slot_at(core::TimePoint now) {
  return static_cast<std::uint64_t>(now.time_since_epoch() / HelloCookies::kSlot);
}

// The fragment that the datagram's first record begins with, if it is the first of a ClientHello.
std::optional<ClientHello> parse_body(core::ByteReader body, ClientHello hello) {
  if (!body.skip(2)) return std::nullopt; // the version is for the handshake to judge
  const auto random = body.take(kRandomBytes);
  const auto session_id = random ? read_vector(body, kMaxSessionIdBytes) : std::nullopt;
  const auto cookie = session_id ? read_vector(body, 255) : std::nullopt;
  if (!cookie) return std::nullopt;
  hello.random = *random;
  hello.session_id = *session_id;
  hello.cookie = *cookie;
  return hello;
}

} // namespace

std::optional<ClientHello> parse_client_hello(core::Bytes datagram) {
  if (datagram.empty() || datagram[0] != kHandshakeRecord) return std::nullopt;
  core::ByteReader reader(datagram);
  reader.skip(1);
  const auto major = reader.u8();
  reader.skip(1);
  const auto epoch_and_sequence = reader.u64();
  const auto size = reader.u16();
  const auto record = size ? reader.take(*size) : std::nullopt;
  if (!major || !epoch_and_sequence || !record) return std::nullopt;
  if (*major != kDtlsMajor || *epoch_and_sequence >> 48 != 0) return std::nullopt;

  core::ByteReader message(*record);
  const auto type = message.u8();
  const auto length = read_u24(message);
  const auto sequence = message.u16();
  const auto offset = read_u24(message);
  const auto fragment_size = read_u24(message);
  if (!type || !length || !sequence || !offset || !fragment_size) return std::nullopt;
  if (*type != kClientHelloMessage || *offset != 0 || *fragment_size > *length) return std::nullopt;
  const auto fragment = message.take(*fragment_size);
  if (!fragment) return std::nullopt;
  return parse_body(core::ByteReader(*fragment), {.record_sequence = *epoch_and_sequence,
                                                  .message_sequence = *sequence,
                                                  .random = {},
                                                  .session_id = {},
                                                  .cookie = {}});
}

HelloCookies::~HelloCookies() { OPENSSL_cleanse(key_.data(), key_.size()); }

HelloCookies::Cookie HelloCookies::cookie_of(const ClientHello& hello,
                                             const core::SocketAddress& client,
                                             const core::SocketAddress& server,
                                             std::uint64_t slot) const {
  std::array<std::uint8_t, 8 + 2 * kAddressBytes + kRandomBytes + kMaxSessionIdBytes> covered{};
  core::ByteWriter writer(covered);
  writer.u64(slot);
  write_address(writer, client);
  write_address(writer, server);
  writer.bytes(hello.random);
  writer.bytes(hello.session_id);
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> tag{};
  HMAC(EVP_sha256(), key_.data(), key_.size(), covered.data(), writer.size(), tag.data(), nullptr);
  Cookie cookie{};
  std::copy_n(tag.begin(), cookie.size(), cookie.begin());
  return cookie;
}

bool HelloCookies::brings_its_cookie(const ClientHello& hello, const core::SocketAddress& client,
                                     const core::SocketAddress& server, core::TimePoint now) const {
  if (hello.cookie.size() != kCookieBytes) return false;
  const std::uint64_t slot = slot_at(now);
  return core::equal_in_constant_time(hello.cookie, cookie_of(hello, client, server, slot)) ||
         core::equal_in_constant_time(hello.cookie, cookie_of(hello, client, server, slot - 1));
}

HelloCookies::VerifyRequest HelloCookies::ask(const ClientHello& hello,
                                              const core::SocketAddress& client,
                                              const core::SocketAddress& server,
                                              core::TimePoint now) const {
  constexpr std::size_t kBodyBytes = 3 + kCookieBytes;
  VerifyRequest request{};
  core::ByteWriter writer(request);
  writer.u8(kHandshakeRecord);
  writer.u16(kDtls10); // whatever version will be agreed on
  writer.u64(hello.record_sequence);
  writer.u16(12 + kBodyBytes);
  writer.u8(kHelloVerifyRequestMessage);
  write_u24(writer, kBodyBytes);
  writer.u16(hello.message_sequence);
  write_u24(writer, 0);
  write_u24(writer, kBodyBytes);
  writer.u16(kDtls10);
  writer.u8(kCookieBytes);
  writer.bytes(cookie_of(hello, client, server, slot_at(now)));
  return request;
}

} // namespace tls
