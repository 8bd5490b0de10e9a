#include "rproxyd/http/h1_client_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rproxyd/http/forwarding.h"
#include "rproxyd/http/h1_writing.h"
#include "rproxyd/http/http_date.h"
#include "rproxyd/http/websocket.h"

namespace rproxyd {

H1ClientSession::H1ClientSession(Sink& sink, ClientEvents& events, const MessageLimits& limits)
    : sink_(sink), events_(events), limits_(limits), parser_(H1Parser::Kind::request, limits) {}

// --- input -------------------------------------------------------------------------------------

void H1ClientSession::feed(core::Bytes bytes, const core::Now& now) {
  wall_ = now.wall;
  run(bytes);
}

void H1ClientSession::flush(const core::Now& now) {
  wall_ = now.wall;
  run({});
  if (open_ && high_ && sink_.pending() < kAnswerLowWater) {
    high_ = false;
    events_.on_answer_drained(stream_);
    run({});
  }
}

// Reads as far as it may, then ends the exchange if it can be ended, and so on: a client may have
// sent several requests ahead, and an answer may be written from inside on_request().
void H1ClientSession::run(core::Bytes fresh) {
  if (!held_.empty()) {
    held_.append(core::text_of(fresh));
    std::string input = std::exchange(held_, {});
    run_over(core::bytes_of(input));
  } else {
    run_over(fresh);
  }
}

void H1ClientSession::run_over(core::Bytes input) {
  for (;;) {
    input = read(input);
    if (!settle()) break;
  }
  if (!finished_) held_.assign(core::text_of(input));
}

// Returns what may not be read yet.
core::Bytes H1ClientSession::read(core::Bytes input) {
  if (is_tunnel()) return read_tunnel(input);
  while (!finished_ && reading_ != Reading::complete && !(open_ && is_ending())) {
    core::Bytes part = input;
    if (reading_ == Reading::body)
      part = part.first(std::min(part.size(), kRequestWindow - unconsumed_));
    if (reading_ == Reading::head && sink_.pending() >= kAnswerHighWater) break; // answers pile up
    const std::size_t offered = part.size();
    const H1Parser::Event event = parser_.next(part);
    input = input.subspan(offered - part.size());
    switch (event) {
      case H1Parser::Event::need_input:
        return input;
      case H1Parser::Event::head:
        take_head();
        break;
      case H1Parser::Event::body:
        take_body(parser_.body());
        break;
      case H1Parser::Event::end:
        take_end();
        break;
      case H1Parser::Event::refused:
        refuse(parser_.refusal());
        break;
    }
  }
  return input;
}

core::Bytes H1ClientSession::read_tunnel(core::Bytes input) {
  if (reading_ == Reading::tunnel_ended || finished_ || answer_ == Answer::cut_short) return {};
  const core::Bytes part = input.first(std::min(input.size(), kRequestWindow - unconsumed_));
  unconsumed_ += part.size();
  if (!part.empty()) events_.on_request_body(stream_, part);
  input = input.subspan(part.size());
  if (input.empty() && input_ended_) {
    reading_ = Reading::tunnel_ended;
    events_.on_request_end(stream_, {});
  }
  return input;
}

void H1ClientSession::take_head() {
  H1Head& head = parser_.head();
  head_.clear();
  head_.version = head.version;
  std::swap(head_.method, head.method);
  if (head.host) head_.authority = *head.host; // the parser refuses a request without
  std::swap(head_.fields, head.fields);
  if (head.chunked) {
    head_.body = {BodySize::Kind::open, 0};
  } else if (head.content_length) {
    head_.body = {BodySize::Kind::length, *head.content_length};
  }
  const bool http_1_1 = head_.version == Version::http_1_1;
  head_.keep_alive = !head_.fields.has_token("connection", "close") &&
                     (http_1_1 || head_.fields.has_token("connection", "keep-alive"));
  web_socket_key_.clear();
  if (http_1_1 && head_.fields.has_token("upgrade", kWebSocket) &&
      head_.fields.has_token("connection", "upgrade")) {
    head_.upgrade = kWebSocket;
    web_socket_key_ = head_.fields.find("sec-websocket-key").value_or("");
  }
  accepts_trailers_ = head_.fields.has_token("te", "trailers");

  if (const auto refusal = check_method(head_.method)) return refuse(*refusal);
  if (const auto refusal = take_target(head_, head.target)) return refuse(*refusal);
  if (const auto refusal = take_expect(head_)) return refuse(*refusal);
  if (limits_.body_bytes > 0 && head_.body.length > limits_.body_bytes)
    return refuse(kBodyTooLarge);

  switch (head_.body.kind) {
    case BodySize::Kind::none:
      parser_.expect_body(H1Parser::Body::none);
      break;
    case BodySize::Kind::length:
      parser_.expect_body(H1Parser::Body::length);
      break;
    case BodySize::Kind::open:
      parser_.expect_body(H1Parser::Body::chunked);
      break;
  }
  stream_ = StreamId{std::to_underlying(stream_) + 1};
  open_ = true;
  answer_ = Answer::awaited;
  draining_ = draining_ || drains_with_next_;
  // From here on the head is the exchange's to change.
  awaits_continue_ = head_.expect_continue;
  is_head_ = head_.method == "HEAD";
  http_1_0_ = head_.version == Version::http_1_0;
  keep_alive_ = head_.keep_alive;
  high_ = close_ = false;
  body_limit_ = limits_.body_bytes;
  body_taken_ = discarded_ = 0;
  unconsumed_ = 0;
  reading_ = parser_.ended() ? Reading::complete : Reading::body;
  events_.on_request(stream_, head_, parser_.ended());
}

void H1ClientSession::take_body(core::Bytes bytes) {
  body_taken_ += bytes.size();
  if (body_limit_ > 0 && body_taken_ > body_limit_) return refuse(kBodyTooLarge);
  if (reading_ == Reading::discard) {
    discarded_ += bytes.size();
    if (discarded_ > kDiscardBytes) finished_ = true;
    return;
  }
  unconsumed_ += bytes.size();
  events_.on_request_body(stream_, bytes);
}

void H1ClientSession::take_end() {
  if (reading_ == Reading::discard) {
    if (close_ || draining_) {
      finished_ = true;
    } else {
      start_next();
    }
    return;
  }
  reading_ = Reading::complete;
  std::swap(trailers_, parser_.trailers());
  events_.on_request_end(stream_, trailers_);
}

// The client's doing, and ours to answer. If an answer is on its way already, all that is left is
// to make sure that it doesn't look complete.
void H1ClientSession::refuse(const Refusal& refusal) {
  finished_ = true;
  if (reading_ == Reading::discard) return;
  if (!open_ || answer_ == Answer::awaited) {
    write_refusal(refusal);
  } else {
    broken_ = true;
  }
  if (reading_ == Reading::head) { // what was understood of it, for the log
    if (head_.method.empty()) std::swap(head_.method, parser_.head().method);
    if (head_.target.empty()) std::swap(head_.target, parser_.head().target);
  }
  events_.on_refused(head_, refusal.status, refusal.why);
  if (std::exchange(open_, false)) events_.on_stream_closed(stream_, false);
}

void H1ClientSession::write_refusal(const Refusal& refusal) {
  const std::string text =
      fmt::format("{} {}: {}\n", refusal.status, reason_phrase(refusal.status), refusal.why);
  out_.clear();
  append_status_line(out_, refusal.status);
  append_field(out_, "date", http_date(wall_));
  append_field(out_, "content-type", "text/plain; charset=utf-8");
  append_field(out_, "cache-control", "no-store"); // or a cache before us keeps it for others
  if (!limits_.content_security_policy.empty())
    append_field(out_, "content-security-policy", limits_.content_security_policy);
  append_field(out_, "content-length", std::to_string(text.size()));
  append_field(out_, "connection", "close");
  out_ += "\r\n";
  if (open_ ? !is_head_ : head_.method != "HEAD") out_ += text;
  write(out_);
}

// Ends an exchange whose answer has ended. True when more may be read.
bool H1ClientSession::settle() {
  if (!open_ || !is_ending()) return false;
  open_ = false;
  const bool clean = answer_ == Answer::done;
  if (reading_ == Reading::body && !body_may_never_come()) {
    // The rest of the body is read even if the connection then ends: closing before might throw
    // the answer away under the client's eyes (RFC 9112 section 9.6).
    reading_ = Reading::discard;
    finished_ = !clean;
  } else {
    finished_ = !clean || close_ || draining_;
  }
  events_.on_stream_closed(stream_, clean);
  if (finished_) return false;
  if (reading_ == Reading::complete) start_next();
  return true;
}

void H1ClientSession::start_next() {
  parser_.begin();
  head_.clear();
  trailers_.clear();
  reading_ = Reading::head;
  answer_ = Answer::none;
}

bool H1ClientSession::feed_end() {
  if (!is_tunnel() || finished_) return false;
  input_ended_ = true;
  run({});
  return true;
}

void H1ClientSession::break_off() {
  settle();
  finished_ = true;
  if (std::exchange(open_, false)) events_.on_stream_closed(stream_, false);
}

bool H1ClientSession::wants_input() const {
  if (finished_) return false;
  // While the answer is on its way the client's end must be noticed, so that something is read
  // even of a client that sends ahead.
  if (reading_ == Reading::complete) return held_.size() < kPipelineBytes;
  const bool is_body = reading_ == Reading::body || reading_ == Reading::tunnel;
  return held_.empty() && !input_ended_ && (!is_body || unconsumed_ < kRequestWindow);
}

void H1ClientSession::consumed(StreamId stream, std::size_t bytes) {
  if (is_open(stream)) unconsumed_ -= std::min(bytes, unconsumed_);
}

// --- the answer --------------------------------------------------------------------------------

void H1ClientSession::send_continue(StreamId stream) {
  if (!is_open(stream) || answer_ != Answer::awaited || !awaits_continue_) return;
  awaits_continue_ = false;
  write("HTTP/1.1 100 Continue\r\n\r\n");
}

void H1ClientSession::inform(StreamId stream, const ResponseHead& head) {
  if (!is_open(stream) || answer_ != Answer::awaited || http_1_0_) return;
  out_.clear();
  append_status_line(out_, head.status);
  append_fields(out_, head.fields);
  out_ += "\r\n";
  write(out_);
}

void H1ClientSession::respond(StreamId stream, const ResponseHead& head) {
  if (!is_open(stream) || answer_ != Answer::awaited) return;
  if (head.status == 101) return accept_web_socket(head);
  answer_ = Answer::body;
  answer_left_ = 0;
  close_ = !keep_alive_ || draining_ || body_may_never_come();
  out_.clear();
  append_status_line(out_, head.status);
  append_fields(out_, head.fields);

  // RFC 9112 section 6.3. The answers to HEAD and 304 tell a length without having it.
  const bool no_body = is_head_ || status_has_no_body(head.status);
  if (no_body) {
    framing_ = Framing::no_body;
    if (head.body.kind == BodySize::Kind::length && head.status != 204 && head.status >= 200)
      append_length(out_, head.body.length);
  } else if (head.body.kind != BodySize::Kind::open) {
    framing_ = Framing::length;
    answer_left_ = head.body.length;
    append_length(out_, head.body.length);
  } else if (!http_1_0_) {
    framing_ = Framing::chunked;
    append_field(out_, "transfer-encoding", "chunked");
  } else {
    framing_ = Framing::until_close;
    close_ = true;
  }
  if (close_) {
    append_field(out_, "connection", "close");
  } else if (http_1_0_) {
    append_field(out_, "connection", "keep-alive");
  }
  out_ += "\r\n";
  write(out_);
}

// RFC 6455 section 4.2.2. What the client has sent behind its handshake is the tunnel's.
void H1ClientSession::accept_web_socket(const ResponseHead& head) {
  answer_ = Answer::body;
  framing_ = Framing::tunnel;
  close_ = true;
  input_ended_ = false;
  reading_ = Reading::tunnel;
  out_.clear();
  append_status_line(out_, head.status);
  append_fields(out_, head.fields);
  append_field(out_, "upgrade", kWebSocket);
  append_field(out_, "connection", "upgrade");
  append_field(out_, "sec-websocket-accept", web_socket_accept(web_socket_key_));
  out_ += "\r\n";
  write(out_);
}

void H1ClientSession::send_body(StreamId stream, core::Bytes bytes) {
  if (!is_open(stream) || answer_ != Answer::body || bytes.empty()) return;
  switch (framing_) {
    case Framing::no_body:
      return;
    case Framing::length:
      // What is over would be read as the next answer.
      if (bytes.size() > answer_left_) return cut_short();
      answer_left_ -= bytes.size();
      sink_.write(bytes);
      break;
    case Framing::chunked:
      write_chunk(sink_, bytes);
      break;
    case Framing::until_close:
    case Framing::tunnel:
      sink_.write(bytes);
      break;
  }
  if (sink_.pending() >= kAnswerHighWater) high_ = true;
}

void H1ClientSession::finish(StreamId stream, const FieldList* trailers) {
  if (!is_open(stream) || is_ending() || answer_ == Answer::done) return;
  if (answer_ != Answer::body || answer_left_ > 0) return cut_short();
  answer_ = Answer::done;
  if (framing_ == Framing::tunnel) sink_.shut_down();
  if (framing_ != Framing::chunked) return;
  out_.clear();
  append_last_chunk(out_, accepts_trailers_ ? trailers : nullptr);
  write(out_);
}

void H1ClientSession::reset(StreamId stream) {
  if (is_open(stream) && !is_ending()) cut_short();
}

void H1ClientSession::cut_short() {
  answer_ = Answer::cut_short;
  broken_ = true;
}

std::size_t H1ClientSession::queued(StreamId stream) const {
  return is_open(stream) ? sink_.pending() : 0;
}

// The client waits for a 100 that it has not been sent: after a final answer it may or may not send
// the body, and there is no telling whether what comes next is one.
bool H1ClientSession::body_may_never_come() const {
  return awaits_continue_ && reading_ == Reading::body && body_taken_ == 0;
}

// --- the connection ----------------------------------------------------------------------------

void H1ClientSession::drain() {
  draining_ = true;
  if (idle()) finished_ = true;
}

void H1ClientSession::drain_gently() {
  drains_with_next_ = true;
  // The answer in progress can't say it any more, and its client may have sent the next request.
  if (open_ && answer_ == Answer::awaited) draining_ = true;
}

bool H1ClientSession::idle() const {
  return !open_ && reading_ != Reading::discard && !reading_head() && held_.empty();
}

bool H1ClientSession::reading_head() const {
  return !finished_ && reading_ == Reading::head && parser_.begun();
}

} // namespace rproxyd
