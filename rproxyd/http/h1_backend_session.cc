#include "rproxyd/http/h1_backend_session.h"

#include "rproxyd/http/forwarding.h"
#include "rproxyd/http/h1_writing.h"
#include "rproxyd/http/text.h"
#include "rproxyd/http/websocket.h"

namespace rproxyd {

H1BackendSession::H1BackendSession(Sink& sink, BackendEvents& events, const MessageLimits& limits)
    : sink_(sink), events_(events), parser_(H1Parser::Kind::response, limits) {}

// --- the request -------------------------------------------------------------------------------

void H1BackendSession::send_request(const RequestHead& head) {
  parser_.begin();
  head_.clear();
  trailers_.clear();
  request_ = Request::sending;
  answer_ = Answer::awaited;
  request_is_head_ = head.method == "HEAD";
  request_chunked_ = head.body.kind == BodySize::Kind::open;
  request_left_ = head.body.kind == BodySize::Kind::length ? head.body.length : 0;
  until_close_ = answer_begun_ = false;
  keep_alive_ = true;
  informations_ = 0;
  web_socket_accept_.clear();
  if (!head.upgrade.empty()) {
    request_ = Request::sent; // a handshake has no body
    web_socket_accept_ = web_socket_accept(head.fields.find("sec-websocket-key").value_or(""));
  }

  out_.clear();
  out_.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  append_field(out_, "host", head.authority);
  append_fields(out_, head.fields);
  if (!head.upgrade.empty()) {
    append_field(out_, "upgrade", head.upgrade);
    append_field(out_, "connection", "upgrade");
  } else if (head.fields.find("te")) {
    append_field(out_, "connection", "te"); // RFC 9110 section 10.1.4
  }
  if (head.expect_continue) append_field(out_, "expect", "100-continue");
  if (head.body.kind == BodySize::Kind::length) {
    append_length(out_, head.body.length);
  } else if (request_chunked_) {
    append_field(out_, "transfer-encoding", "chunked");
  }
  out_ += "\r\n";
  write(out_);
}

void H1BackendSession::send_body(core::Bytes bytes) {
  if (tunnels()) return sink_.write(bytes);
  if (request_ != Request::sending || failed_) return;
  if (request_chunked_) {
    write_chunk(sink_, bytes);
    return;
  }
  // More than was announced would be read as another request (proxy rule 5). Never reusable then.
  if (bytes.size() > request_left_) {
    request_left_ = 0;
    keep_alive_ = false;
    request_ = Request::cut_short;
    return;
  }
  request_left_ -= bytes.size();
  sink_.write(bytes);
}

void H1BackendSession::finish(const FieldList* trailers) {
  if (tunnels()) return sink_.shut_down();
  if (request_ != Request::sending || failed_) return;
  request_ = request_left_ == 0 ? Request::sent : Request::cut_short;
  if (!request_chunked_) return;
  out_.clear();
  append_last_chunk(out_, trailers);
  write(out_);
}

bool H1BackendSession::reusable() const {
  return request_ == Request::sent && answer_ == Answer::done && keep_alive_ && !failed_ &&
         !tunnel_;
}

// --- the answer --------------------------------------------------------------------------------

void H1BackendSession::feed(core::Bytes bytes) {
  if (failed_ || bytes.empty()) return;
  if (answer_ == Answer::none || answer_ == Answer::done) {
    if (reusable() || answer_ == Answer::none)
      fail(BackendFailure::malformed, "bytes came that no request had asked for");
    return;
  }
  answer_begun_ = true;
  while (!failed_ && answer_ != Answer::done) {
    if (tunnel_) {
      if (!bytes.empty()) events_.on_response_body(bytes);
      return;
    }
    switch (parser_.next(bytes)) {
      case H1Parser::Event::need_input:
        return;
      case H1Parser::Event::head:
        take_head(!bytes.empty());
        break;
      case H1Parser::Event::body:
        events_.on_response_body(parser_.body());
        break;
      case H1Parser::Event::end:
        std::swap(trailers_, parser_.trailers());
        answer_ = Answer::done;
        if (!bytes.empty()) keep_alive_ = false; // left over: nobody can say what they are
        events_.on_response_end(trailers_);
        break;
      case H1Parser::Event::refused: {
        const Refusal& refusal = parser_.refusal();
        fail(refusal.status == 431 ? BackendFailure::too_large : BackendFailure::malformed,
             refusal.why);
        break;
      }
    }
  }
}

void H1BackendSession::take_head(bool more_bytes) {
  H1Head& head = parser_.head();
  head_.clear();
  head_.status = head.status;
  std::swap(head_.fields, head.fields);
  const bool close = head_.fields.has_token("connection", "close");
  const bool keep_alive = head_.fields.has_token("connection", "keep-alive");
  const auto upgrade = head_.fields.find("upgrade");
  const bool is_web_socket = head_.fields.has_token("connection", "upgrade") && upgrade &&
                             head_.fields.count("upgrade") == 1 &&
                             equal_ignoring_case(*upgrade, kWebSocket);
  remove_hop_by_hop(head_.fields);
  head_.fields.remove("te"); // means nothing in an answer
  if (head_.status == 101) return take_switch(is_web_socket);
  if (head_.status < 200) {
    take_information();
    return;
  }
  keep_alive_ = keep_alive_ && !close && (head.version == Version::http_1_1 || keep_alive);

  // RFC 9112 section 6.3, in its order.
  if (head.content_length) head_.body = {BodySize::Kind::length, *head.content_length};
  if (request_is_head_ || status_has_no_body(head_.status)) {
    if (head_.status == 204) head_.body = {};
    parser_.expect_body(H1Parser::Body::none);
  } else if (head.chunked) {
    head_.body = {BodySize::Kind::open, 0};
    parser_.expect_body(H1Parser::Body::chunked);
  } else if (head.content_length) {
    parser_.expect_body(*head.content_length == 0 ? H1Parser::Body::none : H1Parser::Body::length);
  } else {
    head_.body = {BodySize::Kind::open, 0};
    until_close_ = true;
    keep_alive_ = false;
    parser_.expect_body(H1Parser::Body::until_close);
  }
  const bool end = parser_.ended();
  answer_ = end ? Answer::done : Answer::body;
  if (end && more_bytes) keep_alive_ = false; // left over, as above
  events_.on_response(head_, end);
}

void H1BackendSession::take_information() {
  if (parser_.head().content_length || parser_.head().chunked) {
    return fail(BackendFailure::malformed, "an informational answer with a body");
  }
  if (++informations_ > kInformationLimit)
    return fail(BackendFailure::malformed, "too many informational answers");
  parser_.begin();
  events_.on_information(head_);
}

// RFC 6455 section 4.1, the numbered steps at its end: only what proves that the node has understood
// the handshake makes a tunnel (proxy rule 7).
void H1BackendSession::take_switch(bool is_web_socket) {
  if (web_socket_accept_.empty())
    return fail(BackendFailure::malformed, "an upgrade that nobody had asked for");
  if (!is_web_socket) return fail(BackendFailure::malformed, "an upgrade to something else");
  if (parser_.head().content_length || parser_.head().chunked)
    return fail(BackendFailure::malformed, "an upgrade with a body");
  if (head_.fields.count("sec-websocket-accept") != 1 ||
      head_.fields.find("sec-websocket-accept") != web_socket_accept_) {
    return fail(BackendFailure::malformed, "a Sec-WebSocket-Accept that is not that of the key");
  }
  head_.fields.remove("sec-websocket-accept");
  head_.body = {BodySize::Kind::open, 0};
  tunnel_ = true;
  answer_ = Answer::body;
  events_.on_response(head_, false);
}

void H1BackendSession::feed_end() {
  if (failed_) return;
  switch (answer_) {
    case Answer::awaited:
      if (answer_begun_)
        return fail(BackendFailure::closed_in_answer, "the connection ended in the answer's head");
      return fail(BackendFailure::closed_before_answer, "the connection ended before the answer");
    case Answer::body:
      if (!until_close_ && !tunnel_)
        return fail(BackendFailure::closed_in_answer, "the connection ended in the answer's body");
      answer_ = Answer::done;
      events_.on_response_end(trailers_);
      break;
    case Answer::none:
    case Answer::done:
      keep_alive_ = false;
      break;
  }
}

void H1BackendSession::fail(BackendFailure failure, std::string_view why) {
  failed_ = true;
  events_.on_failure(failure, why);
}

} // namespace rproxyd
