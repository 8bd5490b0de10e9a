// A connection to a backend that speaks HTTP/2 (RFC 9113), over nghttp2: many exchanges side by side,
// each on a stream. Pure, like ClientSession; the events of a stream are those of BackendEvents.
//
// Calling contract
//   open()  send_body()*  finish()      and, from feed() or flush(), the events of BackendEvents, until
//   on_response_end() or on_failure(), which are the stream's last. Only while room() > 0.
//   leave() ends the user's interest: no event comes any more, the stream's number must not be used,
//   and what was not ended is reset. After the last event it must still be called.
//   A handshake (RequestHead::upgrade) goes out as extended CONNECT (RFC 8441), only if tunnels().
//   flush() once per wake-up after all else, and when the sink has drained.
//   Nothing is raised from inside the other calls. The session must not be destroyed from inside an
//   event.
//
// Back-pressure: the bytes of a request wait in a queue a stream, of which queued() tells; those of an
// answer are the stream's window (kAnswerWindow), which stays shut from pause() to resume(). The
// connection's own window is given back at once, so that no stream holds up another.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "libcore/base/byte_queue.h"
#include "libcore/base/time.h"
#include "rproxyd/http/backend_session.h"
#include "rproxyd/http/client_session.h"

namespace rproxyd {

enum class BackendStreamId : std::int32_t {};

class BackendStreamUser : public BackendEvents {
 public:
  // Less than half of kRequestHighWater waits again, after queued() reached it.
  virtual void on_request_drained() = 0;
};

class H2BackendSession final {
 public:
  // Request bytes of one stream from which on it is full.
  static constexpr std::size_t kRequestHighWater = std::size_t{128} * 1024;
  // Answer bytes that may come for a stream whose client does not take them.
  static constexpr std::int32_t kAnswerWindow = 128 * 1024;
  static constexpr std::int32_t kConnectionWindow = 4 * 1024 * 1024;
  static constexpr std::size_t kWireHighWater = std::size_t{64} * 1024;
  // Streams of one connection, whatever the node allows: one that breaks takes them all along.
  static constexpr std::size_t kMaxStreams = 100;
  static constexpr unsigned kInformationLimit = 32; // 1xx answers before the final one
  // Beyond this number a connection is used no more: there are 2^30 of them.
  static constexpr std::uint32_t kLastStream = 0x3fff'ffff;

  // All three must outlive the session. `secure`: the connection is TLS. Of `limits` the header limits
  // count.
  H2BackendSession(Sink& sink, const MessageLimits& limits, core::ChunkPool& pool, bool secure);
  ~H2BackendSession();
  H2BackendSession(const H2BackendSession&) = delete;
  H2BackendSession& operator=(const H2BackendSession&) = delete;

  void feed(core::Bytes bytes);
  void flush();

  // `head` is in its final form, as for BackendSession::send_request(). `user` must outlive the stream
  // or leave() it.
  BackendStreamId open(const RequestHead& head, BackendStreamUser& user);
  void send_body(BackendStreamId stream, core::Bytes bytes);
  void finish(BackendStreamId stream, const FieldList* trailers);
  std::size_t queued(BackendStreamId stream) const;
  void pause(BackendStreamId stream);
  void resume(BackendStreamId stream);
  void leave(BackendStreamId stream);

  bool settled() const { return settled_; } // the node's SETTINGS have come
  bool tunnels() const;                     // and they allow extended CONNECT
  // Streams that may be opened now; 0 from the node's GOAWAY on.
  std::size_t room() const;
  bool usable() const; // there may be room later
  bool idle() const { return streams_.empty(); }
  bool finished() const; // the connection is to be closed
  // A node that has gone without a word leaves this unanswered.
  void ping();
  bool ping_answered() const { return ping_answered_; }
  void shut_down(); // GOAWAY: we open no more

 private:
  struct Stream;
  struct Callbacks; // what nghttp2 calls

  Stream* find(std::int32_t id) const;
  Stream* find(BackendStreamId id) const { return find(static_cast<std::int32_t>(id)); }
  void take_field(Stream& stream, std::string_view name, std::string_view value);
  void take_headers(Stream& stream, bool end);
  void take_response(Stream& stream, bool end);
  void take_body(Stream& stream, core::Bytes bytes);
  void take_end(Stream& stream);
  void end_stream(std::int32_t id, std::uint32_t error);
  void break_off(Stream& stream, BackendFailure failure, std::string_view why);
  void reset(Stream& stream, std::uint32_t error);
  void push_field(std::string_view name, std::string_view value);
  ssize_t read_request(Stream& stream, std::size_t room, std::uint32_t& flags);
  int write_request(Stream& stream, const std::uint8_t* frame_header, std::size_t size);
  bool write_frames();
  bool raise_what_happened();

  Sink& sink_;
  const MessageLimits& limits_;
  core::ChunkPool& pool_;
  const bool secure_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Stream>> closed_; // whose end is to be told
  std::vector<std::int32_t> drained_;           // on_request_drained() may be due
  std::vector<nghttp2_nv> fields_;              // of a head being submitted; kept for its memory
  bool settled_ = false;
  bool going_away_ = false;
  bool ping_answered_ = true;
  bool dead_ = false; // nghttp2 can't go on
};

} // namespace rproxyd
