// HTTP/2 frames by hand (RFC 9113 section 4.1): built for a session under test, and read back from
// it as lines of text.
#pragma once

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcore/base/bytes.h"

namespace rproxyd::test {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline std::string number(std::uint64_t value, unsigned bytes) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
  return text;
}

inline std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload) {
  return number(payload.size(), 3) + number(type, 1) + number(flags, 1) + number(stream, 4) +
         std::string(payload);
}

// A literal field without indexing (RFC 7541 section 6.2.2), no Huffman coding: any bytes may stand in it.
inline std::string literal(std::string_view name, std::string_view value) {
  const auto length = [](std::size_t size) { // a prefix of 7 bits (RFC 7541 section 5.1)
    if (size < 127) return number(size, 1);
    std::string text = number(127, 1);
    for (size -= 127; size >= 128; size >>= 7) text += static_cast<char>(0x80 | (size & 0x7f));
    return text + number(size, 1);
  };
  return number(0, 1) + length(name.size()) + std::string(name) + length(value.size()) +
         std::string(value);
}

using FieldPairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

inline std::string block(FieldPairs fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += literal(name, value);
  return text;
}

// The pseudo-header fields of GET https://a/p, to put others behind.
inline std::string get_block(FieldPairs more = {}) {
  return block({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/p"}}) +
         block(more);
}
inline std::string post_block(FieldPairs more = {}) {
  return block({{":method", "POST"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/p"}}) +
         block(more);
}

constexpr std::uint8_t kEndStream = NGHTTP2_FLAG_END_STREAM;
constexpr std::uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;

inline std::string headers(std::uint32_t stream, std::string_view fields,
                           std::uint8_t flags = kEndHeaders | kEndStream) {
  return frame(NGHTTP2_HEADERS, flags, stream, fields);
}
inline std::string data(std::uint32_t stream, std::string_view bytes, bool end = false) {
  return frame(NGHTTP2_DATA, end ? kEndStream : 0, stream, bytes);
}
inline std::string rst_stream(std::uint32_t stream, std::uint32_t error = NGHTTP2_CANCEL) {
  return frame(NGHTTP2_RST_STREAM, 0, stream, number(error, 4));
}
inline std::string window_update(std::uint32_t stream, std::uint32_t increment) {
  return frame(NGHTTP2_WINDOW_UPDATE, 0, stream, number(increment, 4));
}
inline std::string setting(std::uint16_t id, std::uint32_t value) {
  return frame(NGHTTP2_SETTINGS, 0, 0, number(id, 2) + number(value, 4));
}
inline std::string ping(std::string_view eight_bytes = "12345678") {
  return frame(NGHTTP2_PING, 0, 0, eight_bytes);
}

// Frames of a session as lines: "HEADERS 1 :status=200 x=y END", "DATA 1 hello", "RST_STREAM 1 CANCEL".
class FrameReader {
 public:
  FrameReader() { nghttp2_hd_inflate_new(&inflater_); }
  ~FrameReader() { nghttp2_hd_inflate_del(inflater_); }
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  std::vector<std::string> read(std::string_view bytes) {
    rest_ += bytes;
    std::vector<std::string> lines;
    for (;;) {
      core::ByteReader reader(core::bytes_of(rest_));
      const auto start = reader.u32();
      const auto flags = reader.u8();
      const auto stream = reader.u32();
      if (!start || !flags || !stream) return lines;
      const auto payload = reader.take(*start >> 8);
      if (!payload) return lines;
      lines.push_back(describe(static_cast<std::uint8_t>(*start), *flags, *stream, *payload));
      rest_.erase(0, 9 + payload->size());
    }
  }

 private:
  std::string describe(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                       core::Bytes payload) {
    static constexpr std::array<std::string_view, 10> kTypes = {
        "DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
        "PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION"};
    const std::string_view end = (flags & kEndStream) != 0 ? " END" : "";
    std::string line =
        type < kTypes.size() ? fmt::format("{} {}", kTypes[type], stream) : "UNKNOWN";
    core::ByteReader reader(payload);
    switch (type) {
      case NGHTTP2_DATA:
        return line + (payload.empty() ? "" : " ") + std::string(core::text_of(payload)) +
               std::string(end);
      case NGHTTP2_HEADERS:
        return line + inflate(payload) + std::string(end);
      case NGHTTP2_RST_STREAM:
        return line + " " + nghttp2_http2_strerror(reader.u32().value_or(0));
      case NGHTTP2_GOAWAY: {
        const std::uint32_t last = reader.u32().value_or(0);
        return fmt::format("GOAWAY {} {}", last, nghttp2_http2_strerror(reader.u32().value_or(0)));
      }
      case NGHTTP2_WINDOW_UPDATE:
        return fmt::format("{} {}", line, reader.u32().value_or(0));
      case NGHTTP2_SETTINGS:
      case NGHTTP2_PING:
        return line + ((flags & NGHTTP2_FLAG_ACK) != 0 ? " ACK" : "");
      default:
        return line;
    }
  }

  std::string inflate(core::Bytes block) {
    std::string fields;
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const auto taken =
          nghttp2_hd_inflate_hd2(inflater_, &field, &flags, block.data(), block.size(), 1);
      if (taken < 0) return " (not HPACK)";
      block = block.subspan(static_cast<std::size_t>(taken));
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields += fmt::format(" {}={}", core::text_of({field.name, field.namelen}),
                              core::text_of({field.value, field.valuelen}));
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return fields;
  }

  nghttp2_hd_inflater* inflater_ = nullptr;
  std::string rest_;
};

} // namespace rproxyd::test
