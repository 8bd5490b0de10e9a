#include "rproxyd/http/websocket.h"

#include <openssl/base64.h>
#include <openssl/sha.h>

#include <algorithm>

#include "libcore/base/bytes.h"

namespace rproxyd {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 section 1.3
constexpr std::size_t kKeyLength = 24;                                     // 16 bytes in base64

template <std::size_t size>
std::string base64(const std::array<std::uint8_t, size>& bytes) {
  std::array<std::uint8_t, (size + 2) / 3 * 4 + 1> text{}; // a NUL is written behind it
  const std::size_t length = EVP_EncodeBlock(text.data(), bytes.data(), bytes.size());
  return std::string(core::text_of(core::Bytes(text).first(length)));
}

// 22 digits say 16 bytes, and "==" that there are no more.
bool is_key(std::string_view text) {
  const auto is_base64 = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  return text.size() == kKeyLength && text.ends_with("==") &&
         std::ranges::all_of(text.substr(0, kKeyLength - 2), is_base64);
}

} // namespace

// RFC 6455 section 4.2.1, RFC 8441 section 5: HTTP/2 has no key.
std::optional<Refusal> check_web_socket(const RequestHead& head) {
  if (head.method != "GET") return Refusal{400, "a WebSocket handshake that is not a GET"};
  // Where a body ended, and the WebSocket began, could be read in two ways.
  if (head.body.kind != BodySize::Kind::none)
    return Refusal{400, "a WebSocket handshake with a body"};
  if (head.fields.count("sec-websocket-version") != 1 ||
      head.fields.find("sec-websocket-version") != kWebSocketVersion) {
    return Refusal{426, "a WebSocket of another version than 13"};
  }
  if (head.version == Version::http_2) return std::nullopt;
  if (head.fields.count("sec-websocket-key") != 1 ||
      !is_key(*head.fields.find("sec-websocket-key"))) {
    return Refusal{400, "a WebSocket handshake without a valid Sec-WebSocket-Key"};
  }
  return std::nullopt;
}

std::string web_socket_key(const WebSocketNonce& nonce) { return base64(nonce); }

std::string web_socket_accept(std::string_view key) {
  std::string text(key);
  text += kGuid;
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest{};
  SHA1(core::bytes_of(text).data(), text.size(), digest.data());
  return base64(digest);
}

} // namespace rproxyd
