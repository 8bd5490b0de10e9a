// A connection to a backend that speaks HTTP/1.1 (RFC 9112). Answers are read as strictly as
// requests: what can't be framed with certainty fails, and the connection with it.
#pragma once

#include <string>

#include "rproxyd/http/backend_session.h"
#include "rproxyd/http/client_session.h"
#include "rproxyd/http/h1_parser.h"

namespace rproxyd {

class H1BackendSession final : public BackendSession {
 public:
  // 1xx answers before the final one.
  static constexpr unsigned kInformationLimit = 32;

  // All three must outlive the session. Of `limits` the header limits count.
  H1BackendSession(Sink& sink, BackendEvents& events, const MessageLimits& limits);
  ~H1BackendSession() override = default;
  H1BackendSession(const H1BackendSession&) = delete;
  H1BackendSession& operator=(const H1BackendSession&) = delete;

  void feed(core::Bytes bytes) override;
  void feed_end() override;
  void send_request(const RequestHead& head) override;
  void send_body(core::Bytes bytes) override;
  void finish(const FieldList* trailers) override;
  bool reusable() const override;
  bool tunnels() const override { return tunnel_ && !failed_; }

 private:
  enum class Request : std::uint8_t { none, sending, sent, cut_short };
  enum class Answer : std::uint8_t { none, awaited, body, done };

  void take_head(bool more_bytes);
  void take_information();
  void take_switch(bool is_web_socket);
  void fail(BackendFailure failure, std::string_view why);
  void write(std::string_view text) { sink_.write(core::bytes_of(text)); }

  Sink& sink_;
  BackendEvents& events_;
  H1Parser parser_;

  ResponseHead head_;
  FieldList trailers_;
  std::string out_;               // a head being written; kept for its memory
  std::string web_socket_accept_; // what the answer to a handshake must bring; else empty

  Request request_ = Request::none;
  Answer answer_ = Answer::none;
  bool request_chunked_ = false;
  bool request_is_head_ = false;
  bool until_close_ = false;
  bool tunnel_ = false;
  bool keep_alive_ = true;
  bool answer_begun_ = false; // a byte of it has come
  bool failed_ = false;
  unsigned informations_ = 0;
  std::uint64_t request_left_ = 0; // of its Content-Length
};

} // namespace rproxyd
