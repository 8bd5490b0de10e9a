#include "rproxyd/http/h1_parser.h"

#include <algorithm>

#include "rproxyd/http/forwarding.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr Refusal kBadTransferEncoding{501, "Transfer-Encoding is not exactly `chunked`"};
constexpr Refusal kHeaderTooLarge{431, "the header fields are too large"};
constexpr Refusal kTargetTooLong{414, "the target is too long"};

// White space around values, colons and line ends: what a head of the allowed size may have on top.
std::size_t raw_head_limit(const MessageLimits& limits) {
  return limits.header_bytes + 8 * limits.header_count + 256;
}

} // namespace

void H1Head::clear() {
  version = Version::http_1_1;
  method.clear();
  target.clear();
  status = 0;
  host.reset();
  fields.clear();
  content_length.reset();
  chunked = false;
}

// A callback pauses llhttp where next() has an event to return, and stops it for good where a rule
// is broken.
struct H1Parser::Callbacks {
  static H1Parser& self(llhttp_t* llhttp) { return *static_cast<H1Parser*>(llhttp->data); }

  static int stop_if(H1Parser& parser, const std::optional<Refusal>& refusal) {
    if (!refusal) return HPE_OK;
    parser.refusal_ = *refusal;
    return HPE_USER;
  }
  static int pause_at(H1Parser& parser, Event event) {
    parser.paused_ = true;
    parser.paused_at_ = event;
    return HPE_PAUSED;
  }

  static int on_method(llhttp_t* llhttp, const char* at, std::size_t size) {
    self(llhttp).head_.method.append(at, size);
    return HPE_OK;
  }
  static int on_url(llhttp_t* llhttp, const char* at, std::size_t size) {
    H1Parser& parser = self(llhttp);
    if (parser.head_.target.size() + size > kTargetBytes) {
      return stop_if(parser, kTargetTooLong);
    }
    parser.head_.target.append(at, size);
    const bool fits = !parser.count_header_bytes(size);
    return stop_if(parser, fits ? std::nullopt : std::optional(kTargetTooLong));
  }
  static int on_version(llhttp_t* llhttp, const char*, std::size_t) {
    self(llhttp).version_seen_ = true;
    return HPE_OK;
  }
  static int on_header_field(llhttp_t* llhttp, const char* at, std::size_t size) {
    H1Parser& parser = self(llhttp);
    const auto refusal = parser.count_header_bytes(size);
    if (!refusal) parser.name_.append(at, size);
    return stop_if(parser, refusal);
  }
  static int on_header_value(llhttp_t* llhttp, const char* at, std::size_t size) {
    H1Parser& parser = self(llhttp);
    const auto refusal = parser.count_header_bytes(size);
    if (!refusal) parser.value_.append(at, size);
    return stop_if(parser, refusal);
  }
  static int on_header_value_complete(llhttp_t* llhttp) {
    H1Parser& parser = self(llhttp);
    return stop_if(parser, parser.take_field());
  }
  static int on_headers_complete(llhttp_t* llhttp) {
    H1Parser& parser = self(llhttp);
    llhttp->upgrade = 0; // what follows is this message's body until a 101 says otherwise
    parser.head_.version = llhttp->http_minor == 0 ? Version::http_1_0 : Version::http_1_1;
    parser.head_.status = llhttp->status_code;
    return pause_at(parser, Event::head);
  }
  static int on_chunk_header(llhttp_t* llhttp) {
    self(llhttp).last_chunk_ = llhttp->content_length == 0;
    return HPE_OK;
  }
  static int on_chunk_extension(llhttp_t* llhttp, const char*, std::size_t size) {
    H1Parser& parser = self(llhttp);
    parser.extension_bytes_ += size;
    if (parser.extension_bytes_ <= kChunkExtensionBytes) return HPE_OK;
    return stop_if(parser, Refusal{400, "too many chunk extensions"});
  }
  static int on_body(llhttp_t* llhttp, const char* at, std::size_t size) {
    if (size == 0) return HPE_OK; // resumed at the end of the input, inside a chunk
    H1Parser& parser = self(llhttp);
    if (const auto refusal = parser.check_framing(at)) return stop_if(parser, refusal);
    parser.lines_.skip_body();
    parser.framing_bytes_ = 0;
    parser.checked_to_ = at + size;
    parser.body_ = core::bytes_of({at, size});
    return pause_at(parser, Event::body);
  }
  static int on_message_complete(llhttp_t* llhttp) { return pause_at(self(llhttp), Event::end); }

  static llhttp_settings_t settings() {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_method = on_method;
    settings.on_url = on_url;
    settings.on_version = on_version;
    settings.on_header_field = on_header_field;
    settings.on_header_value = on_header_value;
    settings.on_header_value_complete = on_header_value_complete;
    settings.on_headers_complete = on_headers_complete;
    settings.on_chunk_header = on_chunk_header;
    settings.on_chunk_extension_name = on_chunk_extension;
    settings.on_chunk_extension_value = on_chunk_extension;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    return settings;
  }
};

H1Parser::H1Parser(Kind kind, const MessageLimits& limits) : limits_(limits), kind_(kind) {
  static const llhttp_settings_t settings = Callbacks::settings();
  llhttp_init(&llhttp_, kind == Kind::request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
  llhttp_.data = this;
}

void H1Parser::begin() {
  llhttp_reset(&llhttp_);
  state_ = State::head;
  lines_.begin();
  head_.clear();
  trailers_.clear();
  name_.clear();
  value_.clear();
  header_bytes_ = header_count_ = framing_bytes_ = extension_bytes_ = 0;
  left_ = 0;
  has_transfer_encoding_ = version_seen_ = last_chunk_ = paused_ = false;
  body_ = {};
  refusal_ = {};
}

H1Parser::Event H1Parser::next(core::Bytes& bytes) {
  switch (state_) {
    case State::head:
      // llhttp would skip empty lines before an answer, too; there they are an answer's left-overs.
      if (kind_ == Kind::response && !begun() && !bytes.empty() && bytes[0] != 'H') {
        return refuse(502, "the answer does not begin with HTTP/");
      }
      return execute(bytes);
    case State::chunked:
      return execute(bytes);
    case State::length: {
      if (left_ == 0) return end();
      if (bytes.empty()) return Event::need_input;
      const std::size_t size = std::min<std::uint64_t>(left_, bytes.size());
      body_ = bytes.first(size);
      bytes = bytes.subspan(size);
      left_ -= size;
      return Event::body;
    }
    case State::until_close:
      if (bytes.empty()) return Event::need_input;
      body_ = bytes;
      bytes = {};
      return Event::body;
    case State::awaits_expect_body:
    case State::ended:
      return Event::need_input;
    case State::refused:
      return Event::refused;
  }
  return Event::refused;
}

void H1Parser::expect_body(Body body) {
  switch (body) {
    case Body::none:
      state_ = State::ended;
      break;
    case Body::length:
      left_ = head_.content_length.value_or(0);
      state_ = left_ == 0 ? State::ended : State::length;
      break;
    case Body::chunked:
      state_ = State::chunked;
      break;
    case Body::until_close:
      state_ = State::until_close;
      break;
  }
}

H1Parser::Event H1Parser::end() {
  state_ = State::ended;
  return Event::end;
}

H1Parser::Event H1Parser::refuse(std::uint16_t status, std::string_view why) {
  refusal_ = {status, why};
  state_ = State::refused;
  return Event::refused;
}

H1Parser::Event H1Parser::execute(core::Bytes& bytes) {
  if (bytes.empty() && !paused_) return Event::need_input;
  const std::string_view input = bytes.empty() ? std::string_view("") : core::text_of(bytes);
  const char* const input_end = input.data() + input.size();
  checked_to_ = input.data();
  if (paused_) {
    paused_ = false;
    llhttp_resume(&llhttp_);
  }

  const llhttp_errno error = llhttp_execute(&llhttp_, input.data(), input.size());
  if (error != HPE_OK && error != HPE_PAUSED) {
    // What came before may have broken a rule of lines already.
    const char* at = std::clamp(llhttp_get_error_pos(&llhttp_), checked_to_, input_end);
    if (const auto refusal = check_framing(at)) return refuse(refusal->status, refusal->why);
    if (refusal_.status != 0) return refuse(refusal_.status, refusal_.why); // a callback's
    const Refusal refusal =
        what_llhttp_refused(error, {at, static_cast<std::size_t>(input_end - at)});
    return refuse(refusal.status, refusal.why);
  }

  const char* const stopped = error == HPE_PAUSED ? llhttp_get_error_pos(&llhttp_) : input_end;
  if (const auto refusal = check_framing(stopped)) return refuse(refusal->status, refusal->why);
  bytes = bytes.subspan(static_cast<std::size_t>(stopped - input.data()));
  if (error == HPE_OK) return Event::need_input;
  switch (paused_at_) {
    case Event::head:
      if (const auto refusal = check_head()) return refuse(refusal->status, refusal->why);
      state_ = State::awaits_expect_body;
      return Event::head;
    case Event::end:
      if (!lines_.at_section_end())
        return refuse(400, "the chunked body ends in the midst of a line");
      return end();
    default:
      return paused_at_;
  }
}

std::optional<Refusal> H1Parser::check_framing(const char* to) {
  if (to <= checked_to_) return std::nullopt;
  const core::Bytes bytes =
      core::bytes_of({checked_to_, static_cast<std::size_t>(to - checked_to_)});
  checked_to_ = to;
  const bool in_section = state_ == State::head || last_chunk_;
  const std::size_t limit = in_section ? raw_head_limit(limits_) : kChunkLineBytes;
  const std::size_t allowed = limit - std::min(limit, framing_bytes_);
  framing_bytes_ += bytes.size();
  if (const auto wrong = lines_.check(bytes.first(std::min(allowed, bytes.size())))) {
    return Refusal{400, *wrong};
  }
  if (bytes.size() <= allowed) return std::nullopt;
  if (!in_section) return Refusal{400, "a chunk's first line is too long"};
  const bool in_target = kind_ == Kind::request && state_ == State::head && lines_.in_first_line();
  return in_target ? kTargetTooLong : kHeaderTooLarge;
}

// What a head must be beyond what llhttp asks of it.
std::optional<Refusal> H1Parser::check_head() const {
  // Both readers must have come to the same empty line.
  if (!lines_.at_section_end())
    return Refusal{400, "the header section does not end in an empty line"};
  if (const auto refusal = check_start_line()) return refusal;
  if (has_transfer_encoding_) {
    if (head_.content_length) return Refusal{400, "Content-Length together with Transfer-Encoding"};
    if (head_.version == Version::http_1_0) return Refusal{400, "Transfer-Encoding in HTTP/1.0"};
    // What llhttp goes on to read must be what we say it is.
    if ((llhttp_.flags & F_CHUNKED) == 0) return kBadTransferEncoding;
  }
  if (kind_ == Kind::request) {
    if (!head_.host) return Refusal{400, "no Host"};
    if (!is_authority(*head_.host)) return Refusal{400, "Host is not a valid host"};
  }
  return std::nullopt;
}

std::optional<Refusal> H1Parser::check_start_line() const {
  if (!version_seen_) return Refusal{400, "no HTTP version in the first line"}; // HTTP/0.9
  if (llhttp_.http_major != 1 || llhttp_.http_minor > 1)
    return Refusal{505, "neither HTTP/1.1 nor HTTP/1.0"};
  if (kind_ == Kind::response) {
    if (head_.status < 100 || head_.status > 599)
      return Refusal{502, "the status is not between 100 and 599"};
    return std::nullopt;
  }
  // Exactly "method SP target SP HTTP/1.x": llhttp takes several spaces.
  const std::size_t expected =
      head_.method.size() + 1 + head_.target.size() + 1 + std::string_view("HTTP/1.1").size();
  if (lines_.first_line_bytes() != expected)
    return Refusal{400, "the request line is not three words with single spaces"};
  return std::nullopt;
}

std::optional<Refusal> H1Parser::count_header_bytes(std::size_t bytes) {
  header_bytes_ += bytes;
  if (header_bytes_ > limits_.header_bytes) return kHeaderTooLarge;
  return std::nullopt;
}

std::optional<Refusal> H1Parser::take_field() {
  if (++header_count_ > limits_.header_count) return Refusal{431, "too many header fields"};
  if (!is_token(name_)) return Refusal{400, "a field name that is not a token"};
  std::ranges::transform(name_, name_.begin(), to_lower);
  const std::string_view name = name_;
  const std::string_view value = without_white_space_around(value_);

  std::optional<Refusal> refusal;
  if (state_ == State::chunked) {
    if (may_be_trailer(name)) trailers_.add(name, value);
  } else if (name == "host" || name == "content-length" || name == "transfer-encoding") {
    refusal = take_framing_field(name, value);
  } else if (name.find('_') == std::string_view::npos ||
             limits_.underscore_names == UnderscoreNames::keep || kind_ == Kind::response) {
    head_.fields.add(name, value);
  } else if (limits_.underscore_names == UnderscoreNames::refuse) {
    refusal = Refusal{400, "a field name with an underscore"};
  }
  name_.clear();
  value_.clear();
  return refusal;
}

std::optional<Refusal> H1Parser::take_framing_field(std::string_view name, std::string_view value) {
  if (name == "host") {
    if (kind_ == Kind::response) return std::nullopt;
    if (head_.host) return Refusal{400, "more than one Host"};
    head_.host = value;
    return std::nullopt;
  }
  if (name == "content-length") {
    if (head_.content_length) return Refusal{400, "more than one Content-Length"};
    head_.content_length = parse_decimal(value);
    if (!head_.content_length) return Refusal{400, "Content-Length is not a plain number"};
    return std::nullopt;
  }
  if (has_transfer_encoding_) return Refusal{400, "more than one Transfer-Encoding"};
  has_transfer_encoding_ = true;
  if (!equal_ignoring_case(value, "chunked")) return kBadTransferEncoding;
  head_.chunked = true;
  return std::nullopt;
}

Refusal H1Parser::what_llhttp_refused(llhttp_errno error, std::string_view at) const {
  switch (error) {
    case HPE_INVALID_METHOD:
      if (!at.empty() && is_token(at.substr(0, 1))) return {501, "an unknown method"};
      return {400, "the method is not valid"};
    case HPE_INVALID_URL:
      return {400, "the target is not valid"};
    case HPE_INVALID_VERSION:
      if (llhttp_.http_major == 1 && llhttp_.http_minor <= 1)
        return {400, "something follows the HTTP version"};
      return {505, "neither HTTP/1.1 nor HTTP/1.0"};
    case HPE_PAUSED_H2_UPGRADE:
      return {505, "neither HTTP/1.1 nor HTTP/1.0"};
    case HPE_INVALID_CONSTANT:
      return {400, "the first line is not HTTP"};
    case HPE_INVALID_STATUS:
      return {400, "the status is not a number of three digits"};
    case HPE_INVALID_HEADER_TOKEN:
      return {400, "a field name or value that is not valid"};
    case HPE_INVALID_CONTENT_LENGTH:
      return {400, "Content-Length is not a plain number"};
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return {400, "more than one Content-Length, or one with Transfer-Encoding"};
    case HPE_INVALID_TRANSFER_ENCODING:
      if (head_.content_length) return {400, "Content-Length together with Transfer-Encoding"};
      return kBadTransferEncoding;
    case HPE_INVALID_CHUNK_SIZE:
      return {400, "a chunk's size is not a hexadecimal number"};
    case HPE_STRICT:
      return {400, "a chunk does not end where its size says"};
    case HPE_CR_EXPECTED:
    case HPE_LF_EXPECTED:
      return {400, "a line that does not end in CR LF"};
    case HPE_UNEXPECTED_SPACE:
      return {400, "white space where none may be"};
    default:
      return {400, "not valid HTTP/1"};
  }
}

} // namespace rproxyd
