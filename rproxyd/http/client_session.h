// The client's side of a connection, as the exchanges on it see it: requests arrive, answers
// leave. H1ClientSession and H2ClientSession implement it. Pure: bytes in, calls to `ClientEvents`
// and bytes to the `Sink` out.
//
// Calling contract
//   feed()         the next bytes from the wire (decrypted). Events are raised from inside.
//                  Only while wants_input().
//   For each stream, after on_request():
//     send_continue()?  inform()*  respond()  send_body()*  finish()        an answer
//     or reset() at any moment: an answer that could not be completed; it never looks complete
//     (HTTP/1: the connection ends without a clean end; HTTP/2: RST_STREAM).
//   A handshake (RequestHead::upgrade) may be answered by respond() with status 101: from then on the
//     stream is a tunnel. Its bytes come as on_request_body(), the client's end of it as
//     on_request_end(), even if on_request() had said `end`; and send_body() and finish() go the other
//     way. on_stream_closed() comes when both directions have ended. Nothing of a tunnel comes before.
//   consumed()     that many bytes of on_request_body() have been passed on: more may come.
//                  A session never lets more unconsumed bytes of one stream in than a window: kRequestWindow, or
//                  on HTTP/2 H2ClientSession::kStreamWindow.
//   After on_stream_closed() the stream's identifier must not be used any more. It is raised
//   exactly once per on_request(): when the answer has ended (what is left of the request is then
//   the session's affair), after reset(), or when the client broke the stream off (then `clean` is
//   false).
//   flush()        called by the shell once per wake-up after all else, and when the sink drained.
//   feed_end()     the client has closed its side (EOF), cleanly. False: nothing can follow, call
//                  break_off(). True: a tunnel whose other direction goes on, until finished().
//   break_off()    the connection is gone: what is in progress ends, and is not clean.
//   Nothing is raised from inside respond(), send_body(), finish(), reset(), consumed(), drain():
//   events come from feed(), feed_end(), break_off() and flush() only, so that a caller is never re-entered.
//   A call for a stream that has ended meanwhile does nothing. The session must not be destroyed
//   from inside an event.
#pragma once

#include "libcore/base/bytes.h"
#include "libcore/base/time.h"
#include "rproxyd/http/message.h"
#include "rproxyd/http/sink.h"

namespace rproxyd {

// Request bytes that may wait for the backend; on HTTP/2 a stream's window says it.
inline constexpr std::size_t kRequestWindow = std::size_t{64} * 1024;
// Answer bytes of one stream that may wait for the client before its backend is paused, and the
// level at which it is resumed.
inline constexpr std::size_t kAnswerHighWater = std::size_t{128} * 1024;
inline constexpr std::size_t kAnswerLowWater = std::size_t{32} * 1024;

// Names with an underscore look like their hyphened twins to CGI-like backends.
enum class UnderscoreNames : std::uint8_t { drop, keep, refuse };

struct MessageLimits { // contract: limits.*
  std::size_t header_bytes =
      std::size_t{64} * 1024;     // names, values, target, and 32 a field on HTTP/2
  std::size_t header_count = 128; // fields, cookie crumbs counted singly
  std::uint64_t body_bytes = 0;   // 0: none
  std::uint32_t streams = 128;    // concurrent, HTTP/2
  UnderscoreNames underscore_names = UnderscoreNames::drop;
  // Of the sessions' own answers; empty: none. Outlives them.
  std::string_view content_security_policy = {};

  friend bool operator==(const MessageLimits&, const MessageLimits&) = default;
};

class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  // `head` belongs to the session, stays valid and may be changed until on_stream_closed().
  // `end`: no body follows, and on_request_end() is not raised.
  virtual void on_request(StreamId stream, RequestHead& head, bool end) = 0;
  virtual void on_request_body(StreamId stream, core::Bytes bytes) = 0; // borrowed during the call
  virtual void on_request_end(StreamId stream, const FieldList& trailers) = 0;
  // Fewer than kAnswerLowWater answer bytes wait again, after queued() reached kAnswerHighWater.
  virtual void on_answer_drained(StreamId stream) = 0;
  virtual void on_stream_closed(StreamId stream, bool clean) = 0;
  // A request that was refused by the session itself: malformed, too large (it has answered or
  // will close). For the access log and counters; `head` holds what was understood.
  virtual void on_refused(const RequestHead& head, std::uint16_t status, std::string_view why) = 0;
  // The client floods and the connection is being ended for it (HTTP/2). `what`, a literal, is what
  // there was too much of.
  virtual void on_flood(std::string_view what) { static_cast<void>(what); }
};

class ClientSession {
 public:
  virtual ~ClientSession() = default;

  virtual void feed(core::Bytes bytes, const core::Now& now) = 0;
  // A client that waits for an answer keeps its side open: an end breaks off what is in progress,
  // tunnels aside.
  virtual bool feed_end() = 0;
  virtual void break_off() = 0;
  virtual bool wants_input() const = 0;

  virtual void send_continue(StreamId stream) = 0;
  virtual void inform(StreamId stream, const ResponseHead& head) = 0; // 1xx other than 101
  // The session chooses the framing from head.body and the request; `fields` are sent as given.
  virtual void respond(StreamId stream, const ResponseHead& head) = 0;
  virtual void send_body(StreamId stream, core::Bytes bytes) = 0;
  virtual void finish(StreamId stream, const FieldList* trailers) = 0;
  virtual void reset(StreamId stream) = 0;
  virtual void consumed(StreamId stream, std::size_t bytes) = 0;
  virtual std::size_t queued(StreamId stream) const = 0; // answer bytes that wait

  // No new requests: Connection: close on the next answer, or GOAWAY. Established ones finish.
  virtual void drain() = 0;
  // The same for a client whose requests may be served elsewhere, but not lost: nothing that it may be
  // sending just now is. On HTTP/1.1 the next answer says Connection: close, and until then the client
  // may be idle; on HTTP/2 a client that has asked for nothing yet gets to ask.
  virtual void drain_gently() = 0;
  virtual void flush(const core::Now& now) = 0;

  // Nothing is in progress, nor is more of a request to come that has been answered: the shell runs the
  // keep-alive time-out, or closes after drain().
  virtual bool idle() const = 0;
  // A request head has begun but not ended (the shell runs timeouts.head).
  virtual bool reading_head() const = 0;
  // The connection is to be closed once the sink is empty.
  virtual bool finished() const = 0;
  // Says, once finished(), that the end must not look clean (no close_notify; RST where possible):
  // an answer was cut short, and only the connection's end can tell.
  virtual bool broken() const = 0;
};

} // namespace rproxyd
