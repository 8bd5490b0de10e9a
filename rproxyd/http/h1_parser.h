// HTTP/1 messages out of bytes: llhttp with nothing lenient, and on top of it the rules that it
// leaves open (RFC 9112, RFC 9110 section 5.5). Used for both directions.
//
//   for (;;) switch (parser.next(bytes)) {        `bytes` moves past what was taken
//     need_input   give more; `bytes` is empty
//     head         parser.head() is complete: call expect_body() before the next next()
//     body         parser.body(): borrowed from the bytes that were given
//     end          parser.trailers(); the next message begins with begin()
//     refused      parser.refusal(); only begin() or the parser's end may follow
//   }
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/bytes.h"
#include "rproxyd/http/client_session.h"
#include "rproxyd/http/line_discipline.h"
#include "rproxyd/http/message.h"
#include "rproxyd/http/request_rules.h"

namespace rproxyd {

// A head as it stood on the wire, with the fields that frame it taken out and understood.
struct H1Head {
  Version version = Version::http_1_1;
  std::string method;       // requests
  std::string target;       // requests: in any form
  std::uint16_t status = 0; // responses
  std::optional<std::string> host;
  FieldList fields; // without Host, Content-Length, Transfer-Encoding
  std::optional<std::uint64_t> content_length;
  bool chunked = false;

  void clear();
};

class H1Parser {
 public:
  enum class Kind : std::uint8_t { request, response };
  enum class Event : std::uint8_t { need_input, head, body, end, refused };
  enum class Body : std::uint8_t { none, length, chunked, until_close };

  static constexpr std::size_t kTargetBytes = std::size_t{32} * 1024;
  // A chunk's size line with its extensions, and the extensions of one message.
  static constexpr std::size_t kChunkLineBytes = 4096;
  static constexpr std::size_t kChunkExtensionBytes = std::size_t{16} * 1024;

  H1Parser(Kind kind, const MessageLimits& limits); // `limits` must outlive the parser
  ~H1Parser() = default;
  H1Parser(const H1Parser&) = delete;
  H1Parser& operator=(const H1Parser&) = delete;

  void begin();
  Event next(core::Bytes& bytes);
  // Body::length takes the head's content_length.
  void expect_body(Body body);

  H1Head& head() { return head_; }
  core::Bytes body() const { return body_; }
  FieldList& trailers() { return trailers_; }
  bool ended() const { return state_ == State::ended; } // also where expect_body() said: no body
  const Refusal& refusal() const { return refusal_; }
  // A byte of the message has been seen, empty lines before it aside.
  bool begun() const { return !lines_.only_empty_lines(); }

 private:
  enum class State : std::uint8_t {
    head,
    awaits_expect_body,
    length,
    chunked,
    until_close,
    ended,
    refused
  };

  Event execute(core::Bytes& bytes);
  Event end();
  Event refuse(std::uint16_t status, std::string_view why);
  Refusal what_llhttp_refused(llhttp_errno error, std::string_view at) const;
  std::optional<Refusal> check_framing(const char* to);
  std::optional<Refusal> check_start_line() const;
  std::optional<Refusal> check_head() const;
  std::optional<Refusal> take_field();
  std::optional<Refusal> take_framing_field(std::string_view name, std::string_view value);
  std::optional<Refusal> count_header_bytes(std::size_t bytes);

  struct Callbacks; // what llhttp calls

  const MessageLimits& limits_;
  Kind kind_;
  llhttp_t llhttp_{};
  State state_ = State::head;
  LineDiscipline lines_;

  H1Head head_;
  FieldList trailers_;
  std::string name_;
  std::string value_;
  std::size_t header_bytes_ = 0; // names, values and target so far
  std::size_t header_count_ = 0;
  std::size_t framing_bytes_ = 0; // since the message or a chunk's data began
  std::size_t extension_bytes_ = 0;
  std::uint64_t left_ = 0; // of Content-Length
  bool has_transfer_encoding_ = false;
  bool version_seen_ = false;
  bool last_chunk_ = false;

  bool paused_ = false; // llhttp is, by one of our callbacks:
  Event paused_at_ = Event::need_input;
  const char* checked_to_ = nullptr; // framing bytes of the current input before this are checked
  core::Bytes body_;
  Refusal refusal_;
};

} // namespace rproxyd
