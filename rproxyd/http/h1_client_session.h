// A client's HTTP/1.1 or 1.0 connection (RFC 9112). One exchange at a time: what a client sends
// ahead of the answer is held, up to a limit. What breaks a rule is answered here, with a short
// text and Connection: close; nothing after it is read.
//
//   head ──▶ on_request ──▶ body … end ──▶ complete ──(answer finished)──▶ head
//                             └─(answer finished first)─▶ discard ─(up to kDiscardBytes)─▶ head
//   complete ──(101)──▶ tunnel ──(the client's end)──▶ tunnel_ended; closed when our end has gone, too
#pragma once

#include <string>

#include "rproxyd/http/client_session.h"
#include "rproxyd/http/h1_parser.h"

namespace rproxyd {

class H1ClientSession final : public ClientSession {
 public:
  // Bytes of later requests that are taken from a client which doesn't wait for its answers.
  static constexpr std::size_t kPipelineBytes = std::size_t{16} * 1024;
  // Body that is read and thrown away after an early answer, so that the connection can go on.
  static constexpr std::uint64_t kDiscardBytes = std::uint64_t{256} * 1024;

  // All three must outlive the session.
  H1ClientSession(Sink& sink, ClientEvents& events, const MessageLimits& limits);
  ~H1ClientSession() override = default;
  H1ClientSession(const H1ClientSession&) = delete;
  H1ClientSession& operator=(const H1ClientSession&) = delete;

  void feed(core::Bytes bytes, const core::Now& now) override;
  bool feed_end() override;
  void break_off() override;
  bool wants_input() const override;

  void send_continue(StreamId stream) override;
  void inform(StreamId stream, const ResponseHead& head) override;
  void respond(StreamId stream, const ResponseHead& head) override;
  void send_body(StreamId stream, core::Bytes bytes) override;
  void finish(StreamId stream, const FieldList* trailers) override;
  void reset(StreamId stream) override;
  void consumed(StreamId stream, std::size_t bytes) override;
  std::size_t queued(StreamId stream) const override;

  void drain() override;
  void drain_gently() override;
  void flush(const core::Now& now) override;

  bool idle() const override;
  bool reading_head() const override;
  bool finished() const override { return finished_; }
  bool broken() const override { return broken_; }

 private:
  enum class Reading : std::uint8_t { head, body, discard, complete, tunnel, tunnel_ended };
  enum class Answer : std::uint8_t { none, awaited, body, done, cut_short };
  enum class Framing : std::uint8_t { no_body, length, chunked, until_close, tunnel };

  void run(core::Bytes fresh);
  void run_over(core::Bytes input);
  core::Bytes read(core::Bytes input);
  void take_head();
  void take_body(core::Bytes bytes);
  void take_end();
  void refuse(const Refusal& refusal);
  void write_refusal(const Refusal& refusal);
  bool settle();
  core::Bytes read_tunnel(core::Bytes input);
  void accept_web_socket(const ResponseHead& head);
  void start_next();
  void cut_short();
  bool body_may_never_come() const;
  bool is_ending() const {
    if (answer_ == Answer::cut_short) return true;
    return answer_ == Answer::done && reading_ != Reading::tunnel;
  }
  bool is_tunnel() const {
    return reading_ == Reading::tunnel || reading_ == Reading::tunnel_ended;
  }
  bool is_open(StreamId stream) const { return open_ && stream == stream_; }
  void write(std::string_view text) { sink_.write(core::bytes_of(text)); }

  Sink& sink_;
  ClientEvents& events_;
  const MessageLimits& limits_;
  H1Parser parser_;
  core::WallTime wall_{}; // of the latest feed() or flush(): the Date of our own answers

  RequestHead head_;
  FieldList trailers_;
  std::string out_;            // a head being written; kept for its memory
  std::string held_;           // input that may not be parsed yet
  std::string web_socket_key_; // of a handshake; else empty

  StreamId stream_{0};
  Reading reading_ = Reading::head;
  Answer answer_ = Answer::none;
  Framing framing_ = Framing::no_body;
  bool open_ = false; // between on_request() and on_stream_closed()
  bool is_head_ = false;
  bool http_1_0_ = false;
  bool keep_alive_ = false; // the client's wish
  bool accepts_trailers_ = false;
  bool awaits_continue_ = false; // 100 was asked for and not sent
  bool high_ = false;            // queued() reached kAnswerHighWater
  bool close_ = false;
  bool input_ended_ = false; // a tunnel's, behind held_
  bool draining_ = false;
  bool drains_with_next_ = false; // request
  bool finished_ = false;
  bool broken_ = false;
  std::uint64_t answer_left_ = 0; // of the answer's Content-Length
  std::uint64_t body_limit_ = 0;  // as of the request's head; 0: none
  std::uint64_t body_taken_ = 0;  // of the request's body
  std::uint64_t discarded_ = 0;
  std::size_t unconsumed_ = 0;
};

} // namespace rproxyd
