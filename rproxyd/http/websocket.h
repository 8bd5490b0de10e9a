// The opening handshake of WebSocket (RFC 6455 section 4), as far as the proxy has a part in it: what
// becomes a tunnel must be a WebSocket to both sides, so that nobody takes its bytes for requests.
//
// Sessions speak it in the form of their version (RFC 6455 on HTTP/1.1, RFC 8441 on HTTP/2). Between
// them a handshake is a GET whose RequestHead::upgrade is kWebSocket, and its acceptance a
// ResponseHead with status 101. Upgrade, Connection and Sec-WebSocket-Accept are the sessions' own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rproxyd/http/message.h"
#include "rproxyd/http/request_rules.h"

namespace rproxyd {

inline constexpr std::string_view kWebSocket = "websocket";
inline constexpr std::string_view kWebSocketVersion = "13";

using WebSocketNonce = std::array<std::uint8_t, 16>; // random (RFC 6455 section 4.1, 7)

// Whether a handshake may be passed on. 426: not in this version, which the answer must name.
std::optional<Refusal> check_web_socket(const RequestHead& head);

std::string web_socket_key(const WebSocketNonce& nonce);
// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string web_socket_accept(std::string_view key);

} // namespace rproxyd
