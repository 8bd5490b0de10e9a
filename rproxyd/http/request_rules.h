// What a request must look like on any version of HTTP, so that it means the same to us and to
// the backend.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "rproxyd/http/message.h"

namespace rproxyd {

// A refused request: what it is answered with, and a reason for the client and the log.
// `why` is a literal.
struct Refusal {
  std::uint16_t status = 0;
  std::string_view why;
};

inline constexpr Refusal kBodyTooLarge{413, "the body is too large"};

bool is_token(std::string_view text); // RFC 9110 section 5.6.2

// host[:port], the host a name, an IPv4 or a bracketed IPv6 address. Narrower than RFC 3986: no
// user information, no percent-encoding, no sub-delimiters, no empty port.
bool is_authority(std::string_view text);

// CONNECT would make us a tunnel to anywhere; TRACE would show the client what only backends see.
std::optional<Refusal> check_method(std::string_view method);

// Takes `target` as it stood in a request line (RFC 9112 section 3.2) or in :path apart: head.target
// becomes path and query, byte for byte, and in absolute-form head.authority becomes the target's.
// head.method must be set.
std::optional<Refusal> take_target(RequestHead& head, std::string_view target);

// Takes Expect out of head.fields. head.version and head.body must be set.
std::optional<Refusal> take_expect(RequestHead& head);

} // namespace rproxyd
