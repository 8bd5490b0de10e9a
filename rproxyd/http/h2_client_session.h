// A client's HTTP/2 connection (RFC 9113), over nghttp2. Answer bytes wait in a queue a stream,
// and go from there to the sink as the client's windows allow.
//
// A request that breaks a rule of HTTP is answered with its status where nghttp2 lets it through,
// and reset where nghttp2 does not. A client that floods (H2FloodGuard) is sent
// GOAWAY(ENHANCE_YOUR_CALM), and all its streams end.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "libcore/base/byte_queue.h"
#include "rproxyd/http/client_session.h"
#include "rproxyd/http/h2_flood_guard.h"
#include "rproxyd/http/request_rules.h"

namespace rproxyd {

class H2ClientSession final : public ClientSession {
 public:
  // Request bytes of all streams that may wait for their backends.
  static constexpr std::int32_t kConnectionWindow = 1024 * 1024;
  // Of a stream. A client that sends much is told of more each time half of it has gone on.
  static constexpr std::int32_t kStreamWindow = 256 * 1024;
  // Answer bytes of all streams from which on each may keep only kAnswerLowWater: what a client
  // costs that opens many streams and never opens its windows.
  static constexpr std::size_t kConnectionAnswerBytes = std::size_t{2} * 1024 * 1024;
  // Frames are made only while less than this waits in the sink, so that a new answer overtakes
  // what a slow client has not read yet.
  static constexpr std::size_t kWireHighWater = std::size_t{64} * 1024;
  // Frames of ours that wait in nghttp2 before nothing more is read.
  static constexpr std::size_t kOutboundFrames = 1000;
  // Streams over the limit of which the client has been told that are taken to be refused, before
  // nghttp2 ends the connection for them.
  static constexpr std::uint32_t kExcessStreams = 8192;

  // Body that is read and thrown away after an early answer, before the stream is reset: clients in
  // the midst of sending may take the reset for the failure of the whole request.
  static constexpr std::size_t kDiscardBytes = std::size_t{256} * 1024;
  // Heads whose memory is kept for the next requests.
  static constexpr std::size_t kSpareHeads = 4;

  // All four must outlive the session.
  H2ClientSession(Sink& sink, ClientEvents& events, const MessageLimits& limits,
                  core::ChunkPool& pool);
  ~H2ClientSession() override;
  H2ClientSession(const H2ClientSession&) = delete;
  H2ClientSession& operator=(const H2ClientSession&) = delete;

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
  bool reading_head() const override { return !finished_ && guard_.in_header_block(); }
  bool finished() const override { return finished_; }
  bool broken() const override { return false; } // RST_STREAM has said so

 private:
  struct Stream;
  struct Callbacks; // what nghttp2 calls

  // Requests.
  void begin_stream(std::int32_t id);
  void refuse_stream(std::int32_t id);
  void write_settings(core::Bytes frame);
  void recycle(RequestHead& head);
  void take_field(Stream& stream, std::string_view name, std::string_view value);
  std::optional<Refusal> take_head_field(Stream& stream, std::string_view name,
                                         std::string_view value) const;
  void take_head(Stream& stream, bool end);
  std::optional<Refusal> complete_head(Stream& stream, bool end) const;
  static std::optional<Refusal> take_protocol(Stream& stream, bool end);
  void take_body(Stream& stream, core::Bytes bytes);
  void take_end(Stream& stream);
  void refuse(Stream& stream, const Refusal& refusal);
  void end_stream(std::int32_t id, std::uint32_t error);

  // Answers.
  Stream* find(StreamId stream) const;
  Stream* find(std::int32_t id) const;
  void submit_head(Stream& stream, const ResponseHead& head, bool final);
  ssize_t read_answer(Stream& stream, std::size_t room, std::uint32_t& flags);
  int write_answer(Stream& stream, const std::uint8_t* frame_header, std::size_t size);
  void frame_sent(const nghttp2_frame& frame);
  void answer_sent(Stream& stream);
  void clear_answer(Stream& stream);
  void reset_stream(Stream& stream, std::uint32_t error);

  // The connection.
  void calm_down(std::string_view flood);
  bool write_frames();
  bool raise_what_happened();
  void settle_end();
  void end_all();

  Sink& sink_;
  ClientEvents& events_;
  const MessageLimits& limits_;
  core::ChunkPool& pool_;
  nghttp2_session* session_ = nullptr;
  H2FloodGuard guard_;
  core::Now now_{}; // of the latest feed() or flush()

  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::size_t open_ = 0;               // streams between on_request() and on_stream_closed()
  std::vector<std::int32_t> answered_; // on_stream_closed() is due before they are closed
  std::vector<std::unique_ptr<Stream>> closed_; // on_stream_closed() is due
  std::vector<std::int32_t> drained_;           // on_answer_drained() may be due
  std::vector<RequestHead> spare_heads_;
  std::vector<nghttp2_nv> fields_; // of a head being submitted; kept for its memory
  std::size_t answer_bytes_ = 0;   // of all streams
  bool settings_sent_ = false;
  bool draining_ = false;
  bool drains_with_next_ = false; // request
  bool drain_ping_sent_ = false;
  bool calmed_ = false; // GOAWAY(ENHANCE_YOUR_CALM) is under way
  bool dead_ = false;   // nghttp2 can't go on
  bool finished_ = false;
};

} // namespace rproxyd
