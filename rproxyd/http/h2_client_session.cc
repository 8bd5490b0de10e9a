#include "rproxyd/http/h2_client_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "libcore/base/needed.h"
#include "rproxyd/http/forwarding.h"
#include "rproxyd/http/h1_parser.h"
#include "rproxyd/http/http_date.h"
#include "rproxyd/http/text.h"
#include "rproxyd/http/websocket.h"

namespace rproxyd {
namespace {

constexpr std::array<std::uint8_t, 8> kDrainPing = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};
constexpr std::size_t kFrameHeaderBytes = 9;

nghttp2_nv field_of(std::string_view name, std::string_view value) {
  // nghttp2 copies both; that it takes them as mutable is C's doing.
  const auto mutable_bytes = [](std::string_view text) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    return const_cast<std::uint8_t*>(core::bytes_of(text).data());
  };
  return {mutable_bytes(name), mutable_bytes(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

StreamId stream_id(std::int32_t id) { return StreamId{static_cast<std::uint32_t>(id)}; }

} // namespace

struct H2ClientSession::Stream {
  enum class Answer : std::uint8_t { awaited, body, ended };

  Stream(std::int32_t number, core::ChunkPool& pool) : queue(pool), id(number) {}

  // The request.
  RequestHead head; // the application's, while raised
  FieldList trailers;
  std::string scheme;
  std::string host;     // the Host field
  std::string protocol; // the :protocol field
  Refusal refusal;      // status 0: none
  std::size_t header_bytes = 0;
  std::size_t header_count = 0;
  std::uint64_t body_limit = 0; // 0: none
  std::uint64_t body_taken = 0;
  std::size_t unconsumed = 0;
  std::size_t discarded = 0;

  // The answer.
  core::ByteQueue queue;
  FieldList answer_trailers;
  std::uint64_t answer_left = 0; // of its Content-Length

  std::int32_t id;
  Answer answer = Answer::awaited;
  bool has_host = false;
  bool in_trailers = false;
  bool is_connect = false; // extended CONNECT (RFC 8441)
  bool tunnel = false;     // and it was accepted
  bool raised = false;     // between on_request() and on_stream_closed()
  bool is_head = false;
  bool awaits_continue = false; // 100 was asked for and not sent
  bool request_ended = false;
  bool has_length = false;
  bool no_body = false;
  bool deferred = false; // nghttp2 waits for more of the answer
  bool high = false;     // queued() says kAnswerHighWater or more
  bool end_sent = false; // END_STREAM of the answer
  bool broken = false;   // whatever else happens, this did not end well
  bool reset = false;    // by us: RST_STREAM is under way
  bool clean = false;    // for on_stream_closed()
};

// --- what nghttp2 calls ------------------------------------------------------------------------

struct H2ClientSession::Callbacks {
  static H2ClientSession& self(void* user) { return *static_cast<H2ClientSession*>(user); }
  static std::string_view text(const std::uint8_t* bytes, std::size_t size) {
    return core::text_of({bytes, size});
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      self(user).begin_stream(frame->hd.stream_id);
    } else if (Stream* stream = self(user).find(frame->hd.stream_id)) {
      stream->in_trailers = true;
    }
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    if (Stream* stream = self(user).find(frame->hd.stream_id)) {
      self(user).take_field(*stream, text(name, name_size), text(value, value_size));
    }
    return 0;
  }

  // Rule 11: a field with bytes that no field may have resets the stream; left alone, nghttp2 would
  // only drop the field.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                               std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int on_frame_recv(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    H2ClientSession& me = self(user);
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
        me.draining_ &&
        std::memcmp(frame->ping.opaque_data, kDrainPing.data(), kDrainPing.size()) == 0) {
      nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
                            nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR,
                            nullptr, 0);
      return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* stream = me.find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      me.take_head(*stream, end);
    } else if (end) {
      me.take_end(*stream);
    }
    return 0;
  }

  // nghttp2 has found a request, or a part of one, against the rules and is about to reset the
  // stream: what it says is RFC 9113 section 8.1.1.
  static int on_invalid_frame_recv(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    H2ClientSession& me = self(user);
    Stream* stream = me.find(frame->hd.stream_id);
    if (stream == nullptr || stream->broken) return 0;
    stream->broken = true;
    if (!stream->raised && stream->refusal.status == 0) {
      me.events_.on_refused(stream->head, 400, "the request is malformed");
    }
    return 0;
  }

  static int on_data_chunk_recv(nghttp2_session* session, std::uint8_t, std::int32_t id,
                                const std::uint8_t* bytes, std::size_t size, void* user) {
    H2ClientSession& me = self(user);
    Stream* stream = me.find(id);
    if (stream != nullptr && stream->raised && !stream->broken && !stream->reset) {
      me.take_body(*stream, {bytes, size});
      return 0;
    }
    nghttp2_session_consume(session, id, size);
    if (stream == nullptr) return 0;
    stream->discarded += size;
    if (stream->discarded > kDiscardBytes) me.reset_stream(*stream, NGHTTP2_NO_ERROR);
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    self(user).end_stream(id, error);
    return 0;
  }

  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    self(user).frame_sent(*frame);
    return 0;
  }

  // An answer's head that nghttp2 can't send: too large, or the stream has gone.
  static int on_frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (Stream* stream = self(user).find(frame->hd.stream_id))
      self(user).reset_stream(*stream, NGHTTP2_INTERNAL_ERROR);
    return 0;
  }

  static ssize_t read_data(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t room,
                           std::uint32_t* flags, nghttp2_data_source* source, void* user) {
    return self(user).read_answer(*static_cast<Stream*>(source->ptr), room, *flags);
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_header,
                       std::size_t size, nghttp2_data_source* source, void* user) {
    return self(user).write_answer(*static_cast<Stream*>(source->ptr), frame_header, size);
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    core::needed(callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    return callbacks;
  }
};

namespace {

nghttp2_option* make_options() {
  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  core::needed(options);
  nghttp2_option_set_no_auto_window_update(options, 1); // consumed() does that
  nghttp2_option_set_no_closed_streams(options, 1);
  // The guard counts frames. nghttp2 1.52 counts the pieces that their headers come in, too.
  nghttp2_option_set_max_continuations(options,
                                       (H2FloodGuard::kContinuations + 1) * kFrameHeaderBytes);
  nghttp2_option_set_max_outbound_ack(options, H2ClientSession::kOutboundFrames);
  nghttp2_option_set_max_send_header_block_length(options, std::size_t{256} * 1024);
  return options;
}

} // namespace

H2ClientSession::H2ClientSession(Sink& sink, ClientEvents& events, const MessageLimits& limits,
                                 core::ChunkPool& pool)
    : sink_(sink), events_(events), limits_(limits), pool_(pool) {
  const std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)>
      callbacks(Callbacks::make(), nghttp2_session_callbacks_del);
  const std::unique_ptr<nghttp2_option, decltype(&nghttp2_option_del)> options(make_options(),
                                                                               nghttp2_option_del);
  if (nghttp2_session_server_new2(&session_, callbacks.get(), this, options.get()) != 0) {
    dead_ = finished_ = true; // out of memory
    return;
  }
  const std::array<nghttp2_settings_entry, 5> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams + kExcessStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

H2ClientSession::~H2ClientSession() { nghttp2_session_del(session_); }

// --- the connection ----------------------------------------------------------------------------

void H2ClientSession::feed(core::Bytes bytes, const core::Now& now) {
  now_ = now;
  if (finished_ || calmed_) return;
  if (const auto flood = guard_.look_at(bytes, now.steady)) {
    calm_down(*flood);
    return;
  }
  if (nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()) < 0) dead_ = true;
  raise_what_happened();
  if (dead_) settle_end();
}

void H2ClientSession::flush(const core::Now& now) {
  now_ = now;
  if (finished_) return;
  // What is raised may bring more to write.
  while (write_frames() && raise_what_happened()) {
  }
  settle_end();
}

// False when nghttp2 can't go on.
bool H2ClientSession::write_frames() {
  while (sink_.pending() < kWireHighWater) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size == 0) break;
    if (size < 0) {
      dead_ = true;
      return false;
    }
    const core::Bytes frame(bytes, static_cast<std::size_t>(size));
    std::exchange(settings_sent_, true) ? sink_.write(frame) : write_settings(frame);
  }
  return true;
}

// Our first frame. nghttp2 would end the connection of a client that opens more streams than these
// settings allow: it is told of more than the client, and what lies between is refused one by one.
void H2ClientSession::write_settings(core::Bytes frame) {
  constexpr std::size_t kEntry = 6; // identifier 16 bits, value 32 (RFC 9113 section 6.5.1)
  std::string bytes(core::text_of(frame));
  for (std::size_t at = kFrameHeaderBytes; at + kEntry <= bytes.size(); at += kEntry) {
    auto* entry = reinterpret_cast<std::uint8_t*>(bytes.data() + at);
    if (core::load16(entry) == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
      core::store32(entry + 2, limits_.streams);
  }
  sink_.write(core::bytes_of(bytes));
}

// Events that nghttp2 may not be in the midst of something for. True if there were any.
bool H2ClientSession::raise_what_happened() {
  bool raised = false;
  while (!answered_.empty() || !closed_.empty() || !drained_.empty()) {
    raised = true;
    for (const std::int32_t id : std::exchange(answered_, {})) {
      Stream* stream = find(id);
      if (stream == nullptr || !std::exchange(stream->raised, false)) continue;
      --open_;
      nghttp2_session_consume(session_, id, std::exchange(stream->unconsumed, 0));
      events_.on_stream_closed(stream_id(id), !stream->broken);
    }
    for (const auto& stream : std::exchange(closed_, {})) {
      --open_;
      events_.on_stream_closed(stream_id(stream->id), stream->clean);
      recycle(stream->head);
    }
    for (const std::int32_t id : std::exchange(drained_, {})) {
      const Stream* stream = find(stream_id(id));
      if (stream != nullptr && !stream->high) events_.on_answer_drained(stream_id(id));
    }
  }
  return raised;
}

void H2ClientSession::settle_end() {
  if (dead_ ||
      (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0))
    end_all();
}

bool H2ClientSession::feed_end() { return false; }

void H2ClientSession::break_off() {
  if (!finished_) end_all();
}

void H2ClientSession::end_all() {
  finished_ = true;
  for (auto& [id, stream] : std::exchange(streams_, {})) {
    nghttp2_session_set_stream_user_data(session_, id, nullptr);
    clear_answer(*stream);
    stream->clean = stream->end_sent && !stream->broken;
    if (stream->raised) closed_.push_back(std::move(stream));
  }
  raise_what_happened();
}

bool H2ClientSession::wants_input() const {
  return !finished_ && !calmed_ && nghttp2_session_want_read(session_) != 0 &&
         nghttp2_session_get_outbound_queue_size(session_) < kOutboundFrames;
}

// RFC 9113 section 6.8: first a GOAWAY that refuses nothing; then, when the client has answered a ping
// that was sent after it, one that names the last request that was taken.
void H2ClientSession::drain() {
  if (draining_ || finished_) return;
  draining_ = true;
  nghttp2_submit_shutdown_notice(session_);
  for (const auto& [id, stream] : streams_) {
    if (stream->end_sent) reset_stream(*stream, NGHTTP2_NO_ERROR);
  }
}

void H2ClientSession::drain_gently() {
  drains_with_next_ = true;
  if (nghttp2_session_get_last_proc_stream_id(session_) != 0) drain();
}

void H2ClientSession::calm_down(std::string_view flood) {
  if (calmed_) return;
  calmed_ = true;
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  events_.on_flood(flood);
}

bool H2ClientSession::idle() const { return open_ == 0 && !reading_head(); }

// --- requests ----------------------------------------------------------------------------------

// RFC 9113 section 5.1.2: the client may send it again later. One that goes on and on is flooding.
void H2ClientSession::refuse_stream(std::int32_t id) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
  if (!guard_.take_offence(now_.steady)) calm_down("streams");
}

void H2ClientSession::begin_stream(std::int32_t id) {
  if (streams_.size() >= limits_.streams) return refuse_stream(id);
  auto stream = std::make_unique<Stream>(id, pool_);
  if (!spare_heads_.empty()) {
    stream->head = std::move(spare_heads_.back());
    spare_heads_.pop_back();
  }
  stream->head.version = Version::http_2;
  nghttp2_session_set_stream_user_data(session_, id, stream.get());
  streams_[id] = std::move(stream);
  if (drains_with_next_) drain();
}

void H2ClientSession::recycle(RequestHead& head) {
  if (spare_heads_.size() >= kSpareHeads) return;
  head.clear();
  spare_heads_.push_back(std::move(head));
}

void H2ClientSession::take_field(Stream& stream, std::string_view name, std::string_view value) {
  if (stream.refusal.status != 0) return;
  // Rule 10: crumbs of a cookie count one by one, and what HPACK made of them does not matter.
  stream.header_bytes += name.size() + value.size() + 32;
  ++stream.header_count;
  std::optional<Refusal> refusal;
  if (stream.header_count > limits_.header_count) {
    refusal = Refusal{431, "too many header fields"};
  } else if (stream.header_bytes > limits_.header_bytes) {
    refusal = Refusal{431, "the header fields are too large"};
  } else if (stream.in_trailers) {
    if (may_be_trailer(name)) stream.trailers.add(name, value);
  } else {
    refusal = take_head_field(stream, name, value);
  }
  if (refusal) stream.refusal = *refusal;
}

std::optional<Refusal> H2ClientSession::take_head_field(Stream& stream, std::string_view name,
                                                        std::string_view value) const {
  RequestHead& head = stream.head;
  if (name == ":method") {
    head.method = value;
  } else if (name == ":scheme") {
    stream.scheme = value;
  } else if (name == ":protocol") {
    stream.protocol = value;
  } else if (name == ":authority") {
    head.authority = value;
  } else if (name == ":path") {
    if (value.size() > H1Parser::kTargetBytes) return Refusal{414, "the target is too long"};
    head.target = value;
  } else if (name == "host") {
    if (std::exchange(stream.has_host, true)) return Refusal{400, "more than one Host"};
    stream.host = value;
  } else if (name == "content-length") {
    const auto length = parse_decimal(value);
    if (!length) return Refusal{400, "Content-Length is not a plain number"};
    head.body = {BodySize::Kind::length, *length};
  } else if (name.find('_') == std::string_view::npos ||
             limits_.underscore_names == UnderscoreNames::keep) {
    head.fields.add(name, value);
  } else if (limits_.underscore_names == UnderscoreNames::refuse) {
    return Refusal{400, "a field name with an underscore"};
  }
  return std::nullopt;
}

void H2ClientSession::take_head(Stream& stream, bool end) {
  stream.request_ended = end;
  if (stream.broken) return;
  if (stream.refusal.status == 0) {
    if (const auto refusal = complete_head(stream, end)) stream.refusal = *refusal;
  }
  stream.is_head = stream.head.method == "HEAD";
  stream.awaits_continue = stream.head.expect_continue;
  if (stream.refusal.status != 0) return refuse(stream, stream.refusal);

  // Without a wish of the client's, streams take turns (RFC 9218 section 4.2 would have them one
  // after the other, and an answer without end would starve the rest).
  if (!stream.head.fields.find("priority")) {
    const nghttp2_extpri take_turns{.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
    nghttp2_session_change_extpri_stream_priority(session_, stream.id, &take_turns, 0);
  }
  stream.raised = true;
  ++open_;
  events_.on_request(stream_id(stream.id), stream.head, end);
}

std::optional<Refusal> H2ClientSession::complete_head(Stream& stream, bool end) const {
  RequestHead& head = stream.head;
  if (!stream.protocol.empty()) {
    if (const auto refusal = take_protocol(stream, end)) return refusal;
  }
  if (const auto refusal = check_method(head.method)) return refusal;
  if (stream.scheme != "http" && stream.scheme != "https")
    return Refusal{400, "the scheme is neither http nor https"};
  // Rule 11, RFC 9113 section 8.3.1.
  if (head.authority.empty()) {
    head.authority = stream.host;
  } else if (stream.has_host && !equal_ignoring_case(stream.host, head.authority)) {
    return Refusal{400, ":authority and Host do not agree"};
  }
  if (!is_authority(head.authority)) return Refusal{400, "the authority is not a valid host"};
  if (!head.target.starts_with('/') && head.target != "*")
    return Refusal{400, ":path is not a path"};
  const std::string path = std::exchange(head.target, {});
  if (const auto refusal = take_target(head, path)) return refusal;
  if (!end && !stream.is_connect && head.body.kind == BodySize::Kind::none)
    head.body = {BodySize::Kind::open, 0};
  stream.body_limit = limits_.body_bytes;
  if (stream.body_limit > 0 && head.body.length > stream.body_limit) return kBodyTooLarge;
  return take_expect(head);
}

// RFC 8441 section 4: a CONNECT with a :protocol asks for a tunnel, and stands for the GET of RFC 6455.
std::optional<Refusal> H2ClientSession::take_protocol(Stream& stream, bool end) {
  stream.is_connect = true;
  if (stream.head.method != "CONNECT") return Refusal{400, ":protocol without CONNECT"};
  if (stream.protocol != kWebSocket) return Refusal{501, "a protocol other than websocket"};
  if (end) return Refusal{400, "a tunnel that ends before it begins"};
  stream.head.method = "GET";
  stream.head.upgrade = kWebSocket;
  stream.head.fields.remove("sec-websocket-key"); // HTTP/2 has none
  return std::nullopt;
}

void H2ClientSession::take_body(Stream& stream, core::Bytes bytes) {
  if (!stream.is_connect) stream.body_taken += bytes.size();
  if (stream.body_limit > 0 && stream.body_taken > stream.body_limit) {
    nghttp2_session_consume(session_, stream.id, bytes.size());
    return refuse(stream, kBodyTooLarge);
  }
  stream.unconsumed += bytes.size();
  events_.on_request_body(stream_id(stream.id), bytes);
}

void H2ClientSession::take_end(Stream& stream) {
  stream.request_ended = true;
  if (!stream.raised || stream.broken || stream.reset) return;
  if (stream.refusal.status != 0) return refuse(stream, stream.refusal); // by its trailers
  events_.on_request_end(stream_id(stream.id), stream.trailers);
}

// Answers in the application's place, or resets the stream if it has begun to answer.
void H2ClientSession::refuse(Stream& stream, const Refusal& refusal) {
  stream.broken = true;
  stream.refusal = refusal;
  events_.on_refused(stream.head, refusal.status, refusal.why);
  if (!guard_.take_offence(now_.steady)) return calm_down("refused requests");
  if (stream.answer != Stream::Answer::awaited) return reset_stream(stream, NGHTTP2_INTERNAL_ERROR);

  const std::string text =
      fmt::format("{} {}: {}\n", refusal.status, reason_phrase(refusal.status), refusal.why);
  ResponseHead head;
  head.status = refusal.status;
  head.fields.add("date", http_date(now_.wall));
  head.fields.add("content-type", "text/plain; charset=utf-8");
  head.fields.add("cache-control", "no-store"); // or a cache before us keeps it for others
  if (!limits_.content_security_policy.empty())
    head.fields.add("content-security-policy", limits_.content_security_policy);
  head.body = {BodySize::Kind::length, text.size()};
  submit_head(stream, head, true);
  stream.queue.append(core::bytes_of(stream.no_body ? std::string_view() : std::string_view(text)));
  answer_bytes_ += stream.queue.size();
  stream.answer = Stream::Answer::ended;
}

void H2ClientSession::end_stream(std::int32_t id, std::uint32_t error) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return;
  std::unique_ptr<Stream> stream = std::move(at->second);
  streams_.erase(at);
  // What was passed on and never consumed must not close the connection's window for good.
  nghttp2_session_consume_connection(session_, stream->unconsumed);
  clear_answer(*stream);
  if (!stream->raised) return;
  stream->clean = stream->end_sent && !stream->broken && error == NGHTTP2_NO_ERROR;
  closed_.push_back(std::move(stream));
}

void H2ClientSession::consumed(StreamId id, std::size_t bytes) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  bytes = std::min(bytes, stream->unconsumed);
  stream->unconsumed -= bytes;
  nghttp2_session_consume(session_, stream->id, bytes);
}

// --- answers -----------------------------------------------------------------------------------

H2ClientSession::Stream* H2ClientSession::find(std::int32_t id) const {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

// The stream, if the application may still answer on it.
H2ClientSession::Stream* H2ClientSession::find(StreamId id) const {
  if (finished_) return nullptr;
  Stream* stream = find(static_cast<std::int32_t>(std::to_underlying(id)));
  return stream == nullptr || !stream->raised || stream->broken || stream->reset ? nullptr : stream;
}

void H2ClientSession::send_continue(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || !std::exchange(stream->awaits_continue, false)) return;
  ResponseHead head;
  head.status = 100;
  inform(id, head);
}

void H2ClientSession::inform(StreamId id, const ResponseHead& head) {
  Stream* stream = find(id);
  if (stream != nullptr && stream->answer == Stream::Answer::awaited)
    submit_head(*stream, head, false);
}

void H2ClientSession::respond(StreamId id, const ResponseHead& head) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->answer != Stream::Answer::awaited) return;
  submit_head(*stream, head, true);
}

void H2ClientSession::submit_head(Stream& stream, const ResponseHead& head, bool final) {
  std::array<char, 4> status{};
  if (final && head.status == 101) stream.tunnel = true;
  fmt::format_to_n(status.data(), 3, "{:03}", stream.tunnel ? 200 : head.status);
  std::array<char, 24> length{};
  fields_.clear();
  fields_.push_back(field_of(":status", status.data()));
  for (std::size_t i = 0; i < head.fields.size(); ++i)
    fields_.push_back(field_of(head.fields[i].name, head.fields[i].value));
  if (!final) {
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, fields_.data(),
                           fields_.size(), nullptr);
    return;
  }

  const bool none = !stream.tunnel && (stream.is_head || status_has_no_body(head.status));
  if (head.body.kind == BodySize::Kind::length) {
    if (head.status != 204) {
      fmt::format_to_n(length.data(), length.size() - 1, "{}", head.body.length);
      fields_.push_back(field_of("content-length", length.data()));
    }
    stream.has_length = !none;
    stream.answer_left = none ? 0 : head.body.length;
  }
  stream.no_body = none || (head.body.kind != BodySize::Kind::open && head.body.length == 0);
  stream.answer = Stream::Answer::body;
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = Callbacks::read_data;
  if (nghttp2_submit_response(session_, stream.id, fields_.data(), fields_.size(),
                              stream.no_body ? nullptr : &body) != 0) {
    reset_stream(stream, NGHTTP2_INTERNAL_ERROR);
  }
}

void H2ClientSession::send_body(StreamId id, core::Bytes bytes) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->answer != Stream::Answer::body || bytes.empty()) return;
  if (stream->has_length) {
    if (bytes.size() > stream->answer_left) return reset_stream(*stream, NGHTTP2_INTERNAL_ERROR);
    stream->answer_left -= bytes.size();
  }
  if (stream->no_body) return;
  stream->queue.append(bytes);
  answer_bytes_ += bytes.size();
  const std::size_t share =
      answer_bytes_ >= kConnectionAnswerBytes ? kAnswerLowWater : kAnswerHighWater;
  if (stream->queue.size() >= share) stream->high = true;
  if (std::exchange(stream->deferred, false)) nghttp2_session_resume_data(session_, stream->id);
}

void H2ClientSession::finish(StreamId id, const FieldList* trailers) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->answer == Stream::Answer::ended) return;
  if (stream->answer == Stream::Answer::awaited || stream->answer_left > 0) {
    return reset_stream(*stream, NGHTTP2_INTERNAL_ERROR);
  }
  stream->answer = Stream::Answer::ended;
  if (stream->no_body) return;
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i) {
    const Field field = (*trailers)[i];
    if (may_be_trailer(field.name)) stream->answer_trailers.add(field.name, field.value);
  }
  if (std::exchange(stream->deferred, false)) nghttp2_session_resume_data(session_, stream->id);
}

void H2ClientSession::reset(StreamId id) {
  if (Stream* stream = find(id)) reset_stream(*stream, NGHTTP2_INTERNAL_ERROR);
}

void H2ClientSession::reset_stream(Stream& stream, std::uint32_t error) {
  if (std::exchange(stream.reset, true)) return;
  if (error != NGHTTP2_NO_ERROR) stream.broken = true;
  // The queue stays until the stream has closed: a DATA frame of it may be half way out.
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, error);
}

void H2ClientSession::clear_answer(Stream& stream) {
  answer_bytes_ -= stream.queue.size();
  stream.queue.clear();
}

std::size_t H2ClientSession::queued(StreamId id) const {
  const Stream* stream = find(id);
  if (stream == nullptr) return 0;
  // Never less than the high water until the low one is reached, and less with each byte that goes.
  return stream->high ? kAnswerHighWater + stream->queue.size() : stream->queue.size();
}

// How much of the answer goes into the next DATA frame. The bytes follow in write_answer().
ssize_t H2ClientSession::read_answer(Stream& stream, std::size_t room, std::uint32_t& flags) {
  const std::size_t size = std::min(room, stream.queue.size());
  const bool all = size == stream.queue.size() && stream.answer == Stream::Answer::ended;
  if (size == 0 && !all) {
    stream.deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!all) return static_cast<ssize_t>(size);
  flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!stream.answer_trailers.empty()) {
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    fields_.clear();
    for (std::size_t i = 0; i < stream.answer_trailers.size(); ++i) {
      fields_.push_back(field_of(stream.answer_trailers[i].name, stream.answer_trailers[i].value));
    }
    nghttp2_submit_trailer(session_, stream.id, fields_.data(), fields_.size());
  }
  return static_cast<ssize_t>(size);
}

int H2ClientSession::write_answer(Stream& stream, const std::uint8_t* frame_header,
                                  std::size_t size) {
  if (sink_.pending() >= kWireHighWater) return NGHTTP2_ERR_WOULDBLOCK;
  sink_.write({frame_header, kFrameHeaderBytes});
  for (std::size_t left = size; left > 0;) {
    const core::Bytes piece =
        stream.queue.front().first(std::min(left, stream.queue.front().size()));
    sink_.write(piece);
    left -= piece.size();
    stream.queue.consume(piece.size());
  }
  answer_bytes_ -= size;
  guard_.data_frame_sent();
  if (stream.high && stream.queue.size() < kAnswerLowWater) {
    stream.high = false;
    drained_.push_back(stream.id);
  }
  return 0;
}

void H2ClientSession::frame_sent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY && draining_ && !std::exchange(drain_ping_sent_, true)) {
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kDrainPing.data());
  }
  if (frame.hd.type == NGHTTP2_RST_STREAM) {
    const Stream* stream = find(frame.hd.stream_id);
    const bool ours = stream != nullptr && stream->reset;
    const std::uint32_t error = frame.rst_stream.error_code;
    if (!ours && error != NGHTTP2_NO_ERROR && error != NGHTTP2_REFUSED_STREAM &&
        !guard_.take_offence(now_.steady)) {
      calm_down("provoked resets");
    }
    return;
  }
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return;
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  if (Stream* stream = find(frame.hd.stream_id)) answer_sent(*stream);
}

// The answer is whole. What there is left of the request is not wanted any more, which RST_STREAM
// says (RFC 9113 section 8.1), if the client doesn't come to its end soon.
void H2ClientSession::answer_sent(Stream& stream) {
  stream.end_sent = true;
  if (stream.request_ended || stream.reset || stream.tunnel) return;
  // Nothing of a tunnel that was refused is on its way.
  if (stream.is_connect) return reset_stream(stream, NGHTTP2_NO_ERROR);
  if (stream.raised) answered_.push_back(stream.id);
  if (draining_) reset_stream(stream, NGHTTP2_NO_ERROR);
}

} // namespace rproxyd
