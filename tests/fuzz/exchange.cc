// One exchange, with a client, a node and a clock that do anything that their contracts allow, in any order. The input is a list of
// steps, a byte each with what it needs behind it. Must hold:
//   - the client gets one answer at most, in its order, and nothing behind its stream's end;
//   - a link is used while it is there, and given back or closed once; no connecting is forgotten;
//   - what the client sent is consumed once, and the exchange ends once, with all memory back.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/unit/rproxyd/proxy/exchange_stage.h"

namespace rproxyd {
namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must hold: %s\n", what);
  std::abort();
}

class Steps {
 public:
  explicit Steps(core::Bytes bytes) : reader_(bytes) {}
  bool more() const { return !reader_.empty(); }
  std::uint8_t byte() { return reader_.u8().value_or(0); }

 private:
  core::ByteReader reader_;
};

// The stage, which knows what may be asked of it when.
class JudgingStage final : public ExchangeStage {
 public:
  enum class Link : std::uint8_t { none, connecting, open };
  enum class Answer : std::uint8_t { none, begun, finished, reset };
  enum class Reply : std::uint8_t { none, begun, ended }; // the node's

  Link link = Link::none;
  Answer answer = Answer::none;
  Reply reply = Reply::none;
  bool sent_head = false;
  bool tunnel = false;
  bool asked_for_tunnel = false;
  bool closed = false;
  bool has_ended = false;
  std::size_t given = 0, taken = 0; // request bytes
  bool is_armed = false;

  void connect(const Route&, BackendId, bool, bool) override {
    must(link == Link::none && !has_ended, "one link at a time");
    link = Link::connecting;
  }
  void cancel_connect() override {
    must(link == Link::connecting, "what is cancelled was begun");
    link = Link::none;
  }
  void arm(core::Duration delay) override {
    must(!has_ended, "nothing is armed behind the end");
    ExchangeStage::arm(delay);
    is_armed = true;
  }
  void ended() override {
    must(closed && !has_ended, "it ends once, with its stream");
    has_ended = true;
  }

  void send_continue(StreamId) override {
    must(!closed && answer == Answer::none, "100 comes before an answer");
  }
  void inform(StreamId, const ResponseHead&) override {
    must(!closed && answer == Answer::none, "1xx comes before an answer");
  }
  void respond(StreamId, const ResponseHead& head) override {
    if (is_reset()) return;
    must(!closed && answer == Answer::none, "one answer");
    must(head.status == 101 ? asked_for_tunnel : head.status >= 200, "a final answer");
    answer = Answer::begun;
  }
  void send_body(StreamId, core::Bytes bytes) override {
    if (is_reset()) return;
    must(!closed && answer == Answer::begun, "a body stands in its answer");
    client_queued += bytes.size();
  }
  void finish(StreamId, const FieldList*) override {
    if (is_reset()) return;
    must(!closed && answer == Answer::begun, "what has begun is finished");
    answer = Answer::finished;
  }
  void reset(StreamId) override {
    must(!closed, "a stream that is closed is not reset");
    answer = Answer::reset;
  }
  void consumed(StreamId, std::size_t bytes) override {
    taken += bytes;
    must(taken <= given, "what has come is consumed once");
  }

  void send_request(const RequestHead& head) override {
    must(link == Link::open && !sent_head, "a link gets one request");
    sent_head = true;
    asked_for_tunnel = !head.upgrade.empty();
  }
  void send_body(core::Bytes bytes) override {
    must(link == Link::open && sent_head, "a body follows its head");
    link_pending += bytes.size();
  }
  void finish(const FieldList*) override {
    must(link == Link::open && sent_head, "a request ends on its link");
  }
  void pause() override { must(link == Link::open, "an open link is paused"); }
  void resume() override { must(link == Link::open, "an open link is resumed"); }
  void release() override {
    must(link == Link::open, "an open link is given back");
    forget_link();
  }
  void abort() override {
    must(link == Link::open, "an open link is closed");
    forget_link();
  }
  // What comes for it before its end is told does nothing (client_session.h).
  bool is_reset() const { return !closed && answer == Answer::reset; }
  void forget_link() {
    link = Link::none;
    sent_head = false;
    reply = Reply::none;
    link_pending = 0;
  }
};

constexpr std::array kMethods{"GET", "POST", "PUT", "HEAD", "OPTIONS"};
constexpr std::array kTargets{"/api/client/v2/status", "/", "*", "/a?b=c", "/%2e%2e/x"};
constexpr std::array<std::uint16_t, 8> kStatuses{200, 404, 502, 503, 504, 204, 304, 101};
constexpr std::array kFailures{BackendFailure::closed_before_answer,
                               BackendFailure::closed_in_answer, BackendFailure::malformed,
                               BackendFailure::too_large, BackendFailure::refused};

// What the node's session raises; only while the exchange has its link and has sent a request.
void node_step(JudgingStage& stage, Exchange& exchange, ResponseHead& head, Steps& steps) {
  if (stage.link != JudgingStage::Link::open || !stage.sent_head) return;
  const std::uint8_t step = steps.byte();
  switch (step % 6) {
    case 0:
      if (stage.reply != JudgingStage::Reply::none) return;
      head.clear();
      head.status = step % 4 == 0 ? 100 : 103;
      return exchange.on_information(head);
    case 1: {
      if (stage.reply != JudgingStage::Reply::none) return;
      head.clear();
      head.status = kStatuses[step / 6 % kStatuses.size()];
      const bool switches = head.status == 101;
      if (switches && !stage.asked_for_tunnel) return; // the session refuses it
      const bool end = !switches && (step >= 128 || status_has_no_body(head.status) ||
                                     stage.request.method == "HEAD");
      head.body = {.kind = end ? BodySize::Kind::none : BodySize::Kind::open};
      stage.reply = end ? JudgingStage::Reply::ended : JudgingStage::Reply::begun;
      stage.tunnel = switches;
      return exchange.on_response(head, end);
    }
    case 2:
    case 3:
      if (stage.reply != JudgingStage::Reply::begun) return;
      return exchange.on_response_body(
          core::bytes_of(std::string(std::size_t{step} * 256 + 1, 'a')));
    case 4:
      if (stage.reply != JudgingStage::Reply::begun) return;
      stage.reply = JudgingStage::Reply::ended;
      return exchange.on_response_end({});
    default:
      if (stage.reply == JudgingStage::Reply::ended) return;
      return exchange.on_failure(kFailures[step / 6 % kFailures.size()], "the input wants it");
  }
}

void run(Steps steps) {
  JudgingStage stage;
  {
    const std::uint8_t kind = steps.byte();
    stage.request.method = kMethods[kind % kMethods.size()];
    stage.request.target = kTargets[kind / 8 % kTargets.size()];
    stage.backends = 1 + kind / 64;
    const std::uint8_t more = steps.byte();
    stage.rules.retry = {RetryPolicy{.on_timeout = (more & 1) != 0,
                                     .on_status = {502, 503, 504},
                                     .attempts = 1U + more % 4U,
                                     .non_idempotent = (more & 2) != 0}};
    stage.rules.rates = {.upload = (more & 4) != 0 ? 1000U : 0U,
                         .download = (more & 8) != 0 ? 1000U : 0U};
    stage.request.expect_continue = (more & 16) != 0;
    bool request_ended = (more & 32) != 0;
    if ((more & 64) != 0) {
      stage.request.method = "GET";
      stage.request.upgrade = kWebSocket;
      request_ended = false;
    }
    stage.request.body = {.kind = request_ended ? BodySize::Kind::none : BodySize::Kind::open};
    ResponseHead head;
    Exchange& exchange = stage.begin(request_ended);

    while (steps.more() && !stage.has_ended) {
      const std::uint8_t step = steps.byte();
      const std::size_t size = std::size_t{step} * 64 + 1;
      switch (step % 12) {
        case 0:
          if (stage.link != JudgingStage::Link::connecting) break;
          stage.link = JudgingStage::Link::open;
          exchange.link_open(stage, step >= 128);
          break;
        case 1:
          if (stage.link != JudgingStage::Link::connecting) break;
          stage.link = JudgingStage::Link::none;
          exchange.link_failed("the input wants it");
          break;
        case 2:
          if (stage.link == JudgingStage::Link::open) exchange.link_broken("the input wants it");
          break;
        case 3:
        case 4:
          if (stage.closed || stage.is_reset() || request_ended ||
              stage.given - stage.taken > std::size_t{256} * 1024)
            break;
          stage.given += size;
          exchange.on_request_body(core::bytes_of(std::string(size, 'b')));
          break;
        case 5:
          if (stage.closed || stage.is_reset() || request_ended) break;
          request_ended = true;
          exchange.on_request_end({});
          break;
        case 6:
          if (stage.closed) break;
          stage.client_queued = step >= 128 ? 0 : stage.client_queued / 2;
          exchange.on_answer_drained();
          break;
        case 7:
          if (stage.link != JudgingStage::Link::open) break;
          stage.link_pending = 0;
          exchange.link_drained();
          break;
        case 8:
          if (!stage.is_armed) break;
          stage.is_armed = false;
          stage.time.steady += stage.armed;
          exchange.on_time();
          break;
        case 9:
          stage.time.steady += std::chrono::milliseconds(size);
          break;
        case 10:
          // The session tells of a clean end when the answer has ended, of any other at any time.
          if (stage.closed || (step >= 128 && stage.answer != JudgingStage::Answer::finished))
            break;
          stage.closed = true;
          exchange.on_stream_closed(step >= 128);
          break;
        default:
          node_step(stage, exchange, head, steps);
          break;
      }
    }
    if (!stage.closed) {
      stage.closed = true;
      exchange.on_stream_closed(false);
    }
    must(stage.has_ended, "it ends with its stream");
    must(stage.link == JudgingStage::Link::none, "no link is left behind");
    static_cast<void>(exchange.record());
    static_cast<void>(exchange.summary());
    stage.exchange.reset();
  }
  must(stage.chunks.in_use() == 0, "all memory comes back");
}

} // namespace
} // namespace rproxyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rproxyd::run(rproxyd::Steps({data, size}));
  return 0;
}
