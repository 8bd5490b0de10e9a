// HTTP messages as the exchange sees them, whatever version carried them (RFC 9110). Heads are
// reused from message to message: clear() keeps their memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rproxyd/http/fields.h"

namespace rproxyd {

// One request on a client connection: counts 1, 2, 3… on HTTP/1.1, the stream identifier on HTTP/2.
enum class StreamId : std::uint32_t {};

// How long a body is, as its head tells (RFC 9112 section 6, RFC 9113 section 8.1.1).
struct BodySize {
  enum class Kind : std::uint8_t {
    none,   // there is no body
    length, // exactly `length` bytes (0 included)
    open,   // ends by itself: chunked, END_STREAM, or (responses over HTTP/1) the connection's end
  };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
};

enum class Version : std::uint8_t { http_1_0, http_1_1, http_2 };

struct RequestHead {
  Version version = Version::http_1_1;
  std::string method;    // a token, as sent
  std::string target;    // path and query, byte for byte as sent; "*" for OPTIONS
  std::string authority; // from :authority, an absolute-form target or Host; host[:port]
  FieldList fields;      // without Host, pseudo-header fields, Content-Length, Transfer-Encoding
  BodySize body;
  bool keep_alive = true;       // the client wants the connection kept (HTTP/1)
  bool expect_continue = false; // Expect: 100-continue; removed from `fields`
  std::string upgrade;          // kWebSocket: the client asks for a tunnel; else empty

  void clear();
};

struct ResponseHead {
  std::uint16_t status = 0;
  FieldList fields; // without Content-Length, Transfer-Encoding, Connection and its like
  BodySize body;

  void clear();
};

// "Not Found"; "Unknown" for a status that has no name here.
std::string_view reason_phrase(std::uint16_t status);

// Answers that have no body whatever their fields say (RFC 9112 section 6.3).
constexpr bool status_has_no_body(std::uint16_t status) {
  return status < 200 || status == 204 || status == 304;
}

} // namespace rproxyd
