// A client's HTTP/2 connection, with an application that does anything at any time.
//
// The input is a list of steps, a byte each with what it needs behind it. Must hold:
//   - events come in their order, and every stream that was raised is closed once;
//   - no stream is given more than its window, and no more waits for a client than is allowed;
//   - all memory comes back.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "rproxyd/http/h2_client_session.h"
#include "rproxyd/http/request_rules.h"
#include "tests/unit/rproxyd/http/h2_wire.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must hold: %s\n", what);
  std::abort();
}

class Application final : public ClientEvents {
 public:
  struct Stream {
    bool ended = false;
    std::size_t unconsumed = 0;
  };

  void on_request(StreamId stream, RequestHead& head, bool end) override {
    must(streams.emplace(stream, Stream{.ended = end}).second, "a stream is raised once");
    must(is_token(head.method) && is_authority(head.authority), "method and authority are valid");
    must(head.target == "*" || head.target.starts_with('/'), "the target is a path");
    for (std::size_t i = 0; i < head.fields.size(); ++i) {
      const auto [name, value] = head.fields[i];
      must(is_token(name), "names are tokens");
      must(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
           "values are one line");
      must(name != "host" && name != "content-length" && name != "transfer-encoding" &&
               name != "connection",
           "framing fields are taken out");
    }
  }
  void on_request_body(StreamId stream, core::Bytes bytes) override {
    Stream& s = open(stream);
    must(!s.ended, "no body after the end");
    s.unconsumed += bytes.size();
    must(s.unconsumed <= H2ClientSession::kStreamWindow, "no more than the window");
  }
  void on_request_end(StreamId stream, const FieldList&) override {
    Stream& s = open(stream);
    must(!s.ended, "one end");
    s.ended = true;
  }
  void on_answer_drained(StreamId stream) override { open(stream); }
  void on_stream_closed(StreamId stream, bool) override {
    must(streams.erase(stream) == 1, "a stream closes once");
  }
  void on_refused(const RequestHead&, std::uint16_t status, std::string_view) override {
    must(status >= 400 && status < 600, "a refusal is an error");
  }
  Stream& open(StreamId stream) {
    const auto at = streams.find(stream);
    must(at != streams.end(), "the stream is open");
    return at->second;
  }

  std::map<StreamId, Stream> streams;
};

class Steps {
 public:
  explicit Steps(core::Bytes bytes) : reader_(bytes) {}
  bool more() const { return !reader_.empty(); }
  std::uint8_t byte() { return reader_.u8().value_or(0); }
  core::Bytes bytes(std::size_t count) {
    return reader_.take(std::min(count, reader_.size())).value_or(core::Bytes());
  }

 private:
  core::ByteReader reader_;
};

void run(Steps steps) {
  core::ChunkPool pool;
  {
    MessageLimits limits;
    limits.body_bytes = 100000;
    StringSink sink;
    Application application;
    H2ClientSession session(sink, application, limits, pool);
    core::Now now = kNow;
    ResponseHead head;
    FieldList trailers;
    trailers.add("x-sum", "1");
    session.feed(core::bytes_of(std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0, "")), now);

    while (steps.more()) {
      const std::uint8_t step = steps.byte();
      const StreamId stream{static_cast<std::uint32_t>(1 + 2 * (step >> 4))};
      switch (step & 0x0f) {
        case 0:
        case 1:
        case 2:
        case 3: // bytes from the client, as they are
          session.feed(steps.bytes(std::size_t{steps.byte()} + 1), now);
          break;
        case 4: { // a frame of the client's, its length filled in
          const std::uint8_t type = steps.byte(), flags = steps.byte(), size = steps.byte();
          session.feed(core::bytes_of(frame(type, flags, std::to_underlying(stream),
                                            core::text_of(steps.bytes(size)))),
                       now);
          break;
        }
        case 5: {
          head.status = static_cast<std::uint16_t>(200 + steps.byte());
          const std::uint8_t kind = steps.byte();
          head.body = {static_cast<BodySize::Kind>(kind % 3), kind};
          session.respond(stream, head);
          break;
        }
        case 6:
          session.send_body(stream,
                            core::bytes_of(std::string(std::size_t{steps.byte()} * 256, 'a')));
          break;
        case 7:
          session.finish(stream, step == 7 ? &trailers : nullptr);
          break;
        case 8:
          session.reset(stream);
          break;
        case 9: {
          const auto at = application.streams.find(stream);
          if (at == application.streams.end()) break;
          const std::size_t count =
              std::min<std::size_t>(at->second.unconsumed, std::size_t{steps.byte()} * 256);
          at->second.unconsumed -= count;
          session.consumed(stream, count);
          break;
        }
        case 10:
          session.flush(now);
          break;
        case 11:
          sink.blocked = !sink.blocked;
          break;
        case 12:
          sink.written.clear();
          break;
        case 13:
          now.steady += std::chrono::milliseconds(steps.byte());
          break;
        case 14:
          session.send_continue(stream);
          break;
        default:
          session.drain();
          break;
      }
      must(!session.finished() || application.streams.empty(),
           "a connection's end ends all its streams");
      must(!sink.blocked || sink.written.size() < std::size_t{1024} * 1024,
           "a client that does not read costs little");
    }
    session.flush(now);
    session.break_off();
    must(application.streams.empty(), "a connection's end ends all its streams");
  }
  must(pool.in_use() == 0, "all memory comes back");
}

} // namespace
} // namespace rproxyd::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rproxyd::test::run(rproxyd::test::Steps({data, size}));
  return 0;
}
