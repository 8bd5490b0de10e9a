#include "rproxyd/http/h2_backend_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "libcore/base/needed.h"
#include "rproxyd/http/forwarding.h"
#include "rproxyd/http/text.h"
#include "rproxyd/http/websocket.h"

namespace rproxyd {
namespace {

constexpr std::size_t kFrameHeaderBytes = 9;

} // namespace

struct H2BackendSession::Stream {
  enum class Answer : std::uint8_t { awaited, body, ended };

  Stream(BackendStreamUser& of, core::ChunkPool& pool) : queue(pool), user(&of) {}

  // The request.
  core::ByteQueue queue;
  FieldList request_trailers;
  std::uint64_t request_left = 0; // of its Content-Length

  // The answer.
  ResponseHead head;
  FieldList trailers;
  std::size_t header_bytes = 0;
  std::size_t header_count = 0;
  std::size_t unconsumed = 0;
  unsigned informations = 0;
  std::optional<BackendFailure> failure; // found by us
  std::string_view why;

  BackendStreamUser* user; // null: nobody is told anything any more
  std::int32_t id = 0;
  std::uint32_t error = NGHTTP2_NO_ERROR; // what it was closed with
  Answer answer = Answer::awaited;
  bool is_head = false;
  bool is_connect = false;
  bool has_length = false;
  bool request_ended = false; // by finish(), or from the start
  bool deferred = false;      // nghttp2 waits for more of the request
  bool high = false;          // the queue reached kRequestHighWater
  bool paused = false;
  bool was_reset = false; // by us
};

// --- what nghttp2 calls ------------------------------------------------------------------------

struct H2BackendSession::Callbacks {
  static H2BackendSession& self(void* user) { return *static_cast<H2BackendSession*>(user); }
  static std::string_view text(const std::uint8_t* bytes, std::size_t size) {
    return core::text_of({bytes, size});
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (Stream* stream = self(user).find(frame->hd.stream_id)) {
      stream->header_bytes = stream->header_count = 0;
      if (stream->answer == Stream::Answer::awaited) stream->head.clear();
    }
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    if (Stream* stream = self(user).find(frame->hd.stream_id))
      self(user).take_field(*stream, text(name, name_size), text(value, value_size));
    return 0;
  }

  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                               std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; // resets the stream
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2BackendSession& me = self(user);
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_SETTINGS:
        if (!ack) me.settled_ = true;
        return 0;
      case NGHTTP2_PING:
        if (ack) me.ping_answered_ = true;
        return 0;
      case NGHTTP2_GOAWAY:
        me.going_away_ = true;
        return 0;
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
        break;
      default:
        return 0;
    }
    Stream* stream = me.find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      me.take_headers(*stream, end);
    } else if (end) {
      me.take_end(*stream);
    }
    return 0;
  }

  static int on_invalid_frame_recv(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    if (Stream* stream = self(user).find(frame->hd.stream_id); stream && !stream->failure) {
      stream->failure = BackendFailure::malformed;
      stream->why = "the answer breaks the rules of HTTP/2";
    }
    return 0;
  }

  static int on_data_chunk_recv(nghttp2_session* session, std::uint8_t, std::int32_t id,
                                const std::uint8_t* bytes, std::size_t size, void* user) {
    nghttp2_session_consume_connection(session, size);
    Stream* stream = self(user).find(id);
    if (stream != nullptr) self(user).take_body(*stream, {bytes, size});
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    self(user).end_stream(id, error);
    return 0;
  }

  // A request that can't go out any more: the connection is going away. The node has not seen it.
  static int on_frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    if (Stream* stream = self(user).find(frame->hd.stream_id); stream && !stream->failure) {
      stream->failure = BackendFailure::refused;
      stream->why = "the connection takes no more requests";
      self(user).end_stream(frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    }
    return 0;
  }

  static ssize_t read_data(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t room,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Stream* stream = self(user).find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return self(user).read_request(*stream, room, *flags);
  }

  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* frame_header,
                       std::size_t size, nghttp2_data_source*, void* user) {
    Stream* stream = self(user).find(frame->hd.stream_id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return self(user).write_request(*stream, frame_header, size);
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
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    return callbacks;
  }
};

H2BackendSession::H2BackendSession(Sink& sink, const MessageLimits& limits, core::ChunkPool& pool,
                                   bool secure)
    : sink_(sink), limits_(limits), pool_(pool), secure_(secure) {
  const std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)>
      callbacks(Callbacks::make(), nghttp2_session_callbacks_del);
  nghttp2_option* raw = nullptr;
  nghttp2_option_new(&raw);
  core::needed(raw);
  const std::unique_ptr<nghttp2_option, decltype(&nghttp2_option_del)> options(raw,
                                                                               nghttp2_option_del);
  nghttp2_option_set_no_auto_window_update(raw, 1);
  nghttp2_option_set_no_closed_streams(raw, 1);
  nghttp2_option_set_max_send_header_block_length(raw, std::size_t{256} * 1024);
  if (nghttp2_session_client_new2(&session_, callbacks.get(), this, raw) != 0) {
    dead_ = true; // out of memory
    return;
  }
  const std::array<nghttp2_settings_entry, 4> settings = {{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kAnswerWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

H2BackendSession::~H2BackendSession() { nghttp2_session_del(session_); }

// --- the connection ----------------------------------------------------------------------------

void H2BackendSession::feed(core::Bytes bytes) {
  if (dead_) return;
  if (nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()) < 0) dead_ = true;
  raise_what_happened();
}

void H2BackendSession::flush() {
  while (!dead_ && write_frames() && raise_what_happened()) {
  }
}

bool H2BackendSession::write_frames() {
  while (sink_.pending() < kWireHighWater) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size == 0) break;
    if (size < 0) {
      dead_ = true;
      return false;
    }
    sink_.write({bytes, static_cast<std::size_t>(size)});
  }
  return true;
}

// Events that nghttp2 may not be in the midst of something for. True if there were any.
bool H2BackendSession::raise_what_happened() {
  bool raised = false;
  while (!closed_.empty() || !drained_.empty()) {
    raised = true;
    while (!closed_.empty()) {
      const std::unique_ptr<Stream> stream = std::move(closed_.back());
      closed_.pop_back();
      BackendStreamUser* user = std::exchange(stream->user, nullptr);
      if (user == nullptr) continue; // it has left meanwhile
      if (const auto failure = stream->failure) {
        user->on_failure(*failure, stream->why);
      } else if (stream->answer == Stream::Answer::body) {
        user->on_failure(BackendFailure::closed_in_answer, "the stream was reset in the answer");
      } else if (stream->error == NGHTTP2_REFUSED_STREAM) {
        user->on_failure(BackendFailure::refused, "the request was not taken");
      } else {
        user->on_failure(BackendFailure::closed_before_answer,
                         nghttp2_http2_strerror(stream->error));
      }
    }
    for (const std::int32_t id : std::exchange(drained_, {})) {
      const Stream* stream = find(id);
      if (stream != nullptr && stream->user != nullptr && !stream->high)
        stream->user->on_request_drained();
    }
  }
  return raised;
}

bool H2BackendSession::tunnels() const {
  return settled_ && nghttp2_session_get_remote_settings(
                         session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

bool H2BackendSession::usable() const {
  return !dead_ && !going_away_ && nghttp2_session_get_next_stream_id(session_) < kLastStream;
}

std::size_t H2BackendSession::room() const {
  if (!usable()) return 0;
  const std::size_t most = std::min<std::size_t>(
      kMaxStreams,
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  return most - std::min(most, streams_.size());
}

bool H2BackendSession::finished() const {
  return dead_ ||
         (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

void H2BackendSession::ping() {
  ping_answered_ = false;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void H2BackendSession::shut_down() {
  if (dead_) return;
  going_away_ = true;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
}

// --- the request -------------------------------------------------------------------------------

H2BackendSession::Stream* H2BackendSession::find(std::int32_t id) const {
  const auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : at->second.get();
}

void H2BackendSession::push_field(std::string_view name, std::string_view value) {
  // nghttp2 copies both; that it takes them as mutable is C's doing.
  const auto mutable_bytes = [](std::string_view text) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    return const_cast<std::uint8_t*>(core::bytes_of(text).data());
  };
  fields_.push_back(
      {mutable_bytes(name), mutable_bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

BackendStreamId H2BackendSession::open(const RequestHead& head, BackendStreamUser& user) {
  auto stream = std::make_unique<Stream>(user, pool_);
  stream->is_head = head.method == "HEAD";
  stream->is_connect = !head.upgrade.empty();
  stream->has_length = head.body.kind == BodySize::Kind::length;
  stream->request_left = head.body.length;
  const bool has_body = stream->is_connect || head.body.kind == BodySize::Kind::open ||
                        (stream->has_length && head.body.length > 0);
  stream->request_ended = !has_body;

  std::array<char, 24> length{};
  fields_.clear();
  push_field(":method", stream->is_connect ? "CONNECT" : std::string_view(head.method));
  if (stream->is_connect) push_field(":protocol", head.upgrade); // RFC 8441 section 4
  push_field(":scheme", secure_ ? "https" : "http");
  push_field(":authority", head.authority);
  push_field(":path", head.target);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const Field field = head.fields[i];
    if (stream->is_connect && field.name == "sec-websocket-key") continue; // HTTP/2 has none
    push_field(field.name, field.value);
  }
  if (head.expect_continue) push_field("expect", "100-continue");
  if (stream->has_length && !stream->is_connect) {
    const char* const end = fmt::format_to(length.data(), "{}", head.body.length);
    push_field("content-length", {length.data(), static_cast<std::size_t>(end - length.data())});
  }

  nghttp2_data_provider body{};
  body.read_callback = Callbacks::read_data;
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, fields_.data(), fields_.size(),
                                                 has_body ? &body : nullptr, nullptr);
  stream->id = id;
  if (id < 0) { // out of memory: told from flush(), like every failure
    stream->failure = BackendFailure::closed_before_answer;
    stream->why = "the request could not be sent";
    closed_.push_back(std::move(stream));
    return BackendStreamId{id};
  }
  streams_.emplace(id, std::move(stream));
  return BackendStreamId{id};
}

void H2BackendSession::send_body(BackendStreamId id, core::Bytes bytes) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->request_ended || stream->was_reset || bytes.empty()) return;
  if (stream->has_length) {
    if (bytes.size() > stream->request_left) return reset(*stream, NGHTTP2_INTERNAL_ERROR);
    stream->request_left -= bytes.size();
  }
  stream->queue.append(bytes);
  if (stream->queue.size() >= kRequestHighWater) stream->high = true;
  if (std::exchange(stream->deferred, false)) nghttp2_session_resume_data(session_, stream->id);
}

void H2BackendSession::finish(BackendStreamId id, const FieldList* trailers) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->request_ended || stream->was_reset) return;
  // What is cut short must not look whole (proxy rule 5).
  if (stream->has_length && stream->request_left > 0) return reset(*stream, NGHTTP2_INTERNAL_ERROR);
  stream->request_ended = true;
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i) {
    const Field field = (*trailers)[i];
    if (may_be_trailer(field.name)) stream->request_trailers.add(field.name, field.value);
  }
  if (std::exchange(stream->deferred, false)) nghttp2_session_resume_data(session_, stream->id);
}

std::size_t H2BackendSession::queued(BackendStreamId id) const {
  const Stream* stream = find(id);
  if (stream == nullptr) return 0;
  return stream->high ? std::max(stream->queue.size(), kRequestHighWater) : stream->queue.size();
}

// How much of the request goes into the next DATA frame. The bytes follow in write_request().
ssize_t H2BackendSession::read_request(Stream& stream, std::size_t room, std::uint32_t& flags) {
  const std::size_t size = std::min(room, stream.queue.size());
  const bool all = size == stream.queue.size() && stream.request_ended;
  if (size == 0 && !all) {
    stream.deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!all) return static_cast<ssize_t>(size);
  flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!stream.request_trailers.empty()) {
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    fields_.clear();
    for (std::size_t i = 0; i < stream.request_trailers.size(); ++i)
      push_field(stream.request_trailers[i].name, stream.request_trailers[i].value);
    nghttp2_submit_trailer(session_, stream.id, fields_.data(), fields_.size());
  }
  return static_cast<ssize_t>(size);
}

int H2BackendSession::write_request(Stream& stream, const std::uint8_t* frame_header,
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
  if (stream.high && stream.queue.size() < kRequestHighWater / 2) {
    stream.high = false;
    drained_.push_back(stream.id);
  }
  return 0;
}

// --- the answer --------------------------------------------------------------------------------

void H2BackendSession::take_field(Stream& stream, std::string_view name, std::string_view value) {
  if (stream.failure || stream.was_reset) return;
  stream.header_bytes += name.size() + value.size();
  if (++stream.header_count > limits_.header_count)
    return break_off(stream, BackendFailure::too_large, "too many header fields");
  if (stream.header_bytes > limits_.header_bytes)
    return break_off(stream, BackendFailure::too_large, "the header fields are too large");
  if (stream.answer != Stream::Answer::awaited) {
    if (may_be_trailer(name)) stream.trailers.add(name, value);
  } else if (name == ":status") {
    stream.head.status = static_cast<std::uint16_t>(parse_decimal(value).value_or(0));
  } else if (name == "content-length") {
    const auto length = parse_decimal(value);
    if (!length)
      return break_off(stream, BackendFailure::malformed, "Content-Length is not a plain number");
    stream.head.body = {BodySize::Kind::length, *length};
  } else {
    stream.head.fields.add(name, value);
  }
}

void H2BackendSession::take_headers(Stream& stream, bool end) {
  if (stream.failure || stream.was_reset) return;
  if (stream.answer != Stream::Answer::awaited) { // trailers
    if (end) take_end(stream);
    return;
  }
  ResponseHead& head = stream.head;
  if (head.status < 100 || head.status > 599 || head.status == 101)
    return break_off(stream, BackendFailure::malformed, "a status that HTTP/2 does not have");
  remove_hop_by_hop(head.fields);
  head.fields.remove("te"); // means nothing in an answer
  if (head.status >= 200) return take_response(stream, end);
  if (++stream.informations > kInformationLimit)
    return break_off(stream, BackendFailure::malformed, "too many informational answers");
  if (stream.user != nullptr) stream.user->on_information(head);
}

void H2BackendSession::take_response(Stream& stream, bool end) {
  ResponseHead& head = stream.head;
  if (stream.is_connect && head.status < 300) { // a tunnel (RFC 8441 section 5)
    head.status = 101;
    head.body = {BodySize::Kind::open, 0};
    head.fields.remove("sec-websocket-accept");
  } else if (head.status == 204) {
    head.body = {};
  } else if (head.body.kind == BodySize::Kind::none && !end && !stream.is_head &&
             !status_has_no_body(head.status)) {
    head.body = {BodySize::Kind::open, 0};
  } else if (head.body.kind == BodySize::Kind::none && end && !stream.is_head &&
             !status_has_no_body(head.status)) {
    head.body = {BodySize::Kind::length, 0};
  }
  const bool is_tunnel = head.status == 101;
  stream.answer = end && !is_tunnel ? Stream::Answer::ended : Stream::Answer::body;
  if (stream.user != nullptr) stream.user->on_response(head, end && !is_tunnel);
  if (end && is_tunnel) take_end(stream);
}

void H2BackendSession::take_body(Stream& stream, core::Bytes bytes) {
  stream.unconsumed += bytes.size();
  if (stream.user != nullptr && !stream.failure) stream.user->on_response_body(bytes);
  if (!stream.paused)
    nghttp2_session_consume_stream(session_, stream.id, std::exchange(stream.unconsumed, 0));
}

void H2BackendSession::take_end(Stream& stream) {
  if (stream.failure || stream.was_reset || stream.answer != Stream::Answer::body) return;
  stream.answer = Stream::Answer::ended;
  if (stream.user != nullptr) stream.user->on_response_end(stream.trailers);
}

void H2BackendSession::pause(BackendStreamId id) {
  if (Stream* stream = find(id)) stream->paused = true;
}

void H2BackendSession::resume(BackendStreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || !std::exchange(stream->paused, false)) return;
  nghttp2_session_consume_stream(session_, stream->id, std::exchange(stream->unconsumed, 0));
}

void H2BackendSession::leave(BackendStreamId id) {
  const auto number = static_cast<std::int32_t>(id);
  const auto ended = std::ranges::find(closed_, number, [](const auto& each) { return each->id; });
  if (ended != closed_.end()) (*ended)->user = nullptr;
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->user = nullptr;
  stream->paused = false;
  // What was ended by finish() still leaves.
  if (stream->answer != Stream::Answer::ended || !stream->request_ended)
    reset(*stream, NGHTTP2_CANCEL);
}

void H2BackendSession::break_off(Stream& stream, BackendFailure failure, std::string_view why) {
  stream.failure = failure;
  stream.why = why;
  reset(stream, NGHTTP2_PROTOCOL_ERROR);
}

void H2BackendSession::reset(Stream& stream, std::uint32_t error) {
  if (std::exchange(stream.was_reset, true)) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, error);
}

void H2BackendSession::end_stream(std::int32_t id, std::uint32_t error) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return;
  std::unique_ptr<Stream> stream = std::move(at->second);
  streams_.erase(at);
  stream->error = error;
  if (stream->user != nullptr && stream->answer != Stream::Answer::ended)
    closed_.push_back(std::move(stream));
}

} // namespace rproxyd
