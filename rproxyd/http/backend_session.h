// The backend's side of an HTTP/1.1 connection: one request at a time is sent, its answer arrives.
// H1BackendSession implements it; h2_backend_session.h raises the same events. Pure, like
// ClientSession.
//
// Calling contract
//   send_request()  send_body()*  finish()      and, from feed(), the answer's events:
//   on_information()*  on_response()  on_response_body()*  on_response_end()
//   on_response() with status 101, only to a request with `upgrade` set: a tunnel. What comes is
//   on_response_body(), its end on_response_end(); send_body() and finish() go the other way.
//   or on_failure() instead of any of the later ones; after it the connection must be closed.
//   An answer may come before the request has ended; the connection is reusable once it has, too.
//   Nothing is raised from inside send_request(), send_body(), finish(). The session must not be
//   destroyed from inside an event.
//   An end that is not clean (RST, TLS without close_notify) is the shell's to handle: whatever was
//   in progress has failed, and feed_end() must not be called.
//   reusable() after the answer's end, when feed() has returned, tells whether the connection may carry another request: the
//   request was sent whole, the answer was framed, nothing was left over, both sides keep it alive.
#pragma once

#include "libcore/base/bytes.h"
#include "rproxyd/http/message.h"
#include "rproxyd/http/sink.h"

namespace rproxyd {

enum class BackendFailure : std::uint8_t {
  closed_before_answer, // the end came before a byte of the answer: safe to retry if idempotent
  closed_in_answer,     // the end came in the midst of the answer: pass on as incomplete
  malformed,            // not HTTP, or framing that can't be trusted: 502
  too_large,            // the head is over the limit: 502
  refused,              // HTTP/2: the node has not processed it: safe to send again, whatever it is
};

class BackendEvents {
 public:
  virtual ~BackendEvents() = default;
  virtual void on_information(ResponseHead& head) = 0; // 1xx, 100 included
  // `end`: no body follows, and on_response_end() is not raised. `head` belongs to the session,
  // stays valid and may be changed until the next request is sent.
  virtual void on_response(ResponseHead& head, bool end) = 0;
  virtual void on_response_body(core::Bytes bytes) = 0; // borrowed during the call
  virtual void on_response_end(const FieldList& trailers) = 0;
  virtual void on_failure(BackendFailure failure, std::string_view why) = 0;
};

class BackendSession {
 public:
  virtual ~BackendSession() = default;
  virtual void feed(core::Bytes bytes) = 0;
  virtual void feed_end() = 0; // clean end of the connection (TLS close_notify or FIN)
  // `head` is in its final form: hop-by-hop fields removed, forwarding fields added.
  virtual void send_request(const RequestHead& head) = 0;
  virtual void send_body(core::Bytes bytes) = 0;
  virtual void finish(const FieldList* trailers) = 0;
  virtual bool reusable() const = 0;
  // A tunnel whose way to the backend may outlive the way back.
  virtual bool tunnels() const = 0;
};

} // namespace rproxyd
