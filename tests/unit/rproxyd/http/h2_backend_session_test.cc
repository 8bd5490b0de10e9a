#include "rproxyd/http/h2_backend_session.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/rproxyd/http/h2_wire.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

using namespace std::literals;

class RecordingStream final : public BackendStreamUser, public EventLog {
 public:
  void on_information(ResponseHead& head) override {
    add(fmt::format("information {}{}", head.status, to_text(head.fields)));
  }
  void on_response(ResponseHead& head, bool end) override {
    add(fmt::format("response {}{} body {}{}", head.status, to_text(head.fields),
                    to_text(head.body), end ? " end" : ""));
  }
  void on_response_body(core::Bytes bytes) override { add_body("body ", bytes); }
  void on_response_end(const FieldList& trailers) override { add("end" + to_text(trailers)); }
  void on_failure(BackendFailure failure, std::string_view) override {
    static constexpr std::string_view kNames[] = {"closed_before_answer", "closed_in_answer",
                                                  "malformed", "too_large", "refused"};
    add(fmt::format("failure {}", kNames[std::to_underlying(failure)]));
  }
  void on_request_drained() override { add("drained"); }

  Lines take() { return std::exchange(lines, {}); }
};

// A connection whose settings have been exchanged; frames of the node are given, ours are read.
struct Connection {
  MessageLimits limits;
  core::ChunkPool pool;
  StringSink sink;
  FrameReader reader;
  H2BackendSession session{sink, limits, pool, true};
  RequestHead head;
  RecordingStream one, two;

  explicit Connection(std::string_view settings = "") {
    session.flush();
    CHECK(sink.written.starts_with(kPreface));
    sink.written.erase(0, kPreface.size());
    CHECK(sent() == Lines{"SETTINGS 0", "WINDOW_UPDATE 0 4128769"});
    feed(std::string(settings.empty() ? frame(NGHTTP2_SETTINGS, 0, 0, "") : settings) +
         frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
    CHECK(sent() == Lines{"SETTINGS 0 ACK"});
    head.method = "GET";
    head.target = "/p";
    head.authority = "a";
  }
  void feed(std::string_view bytes) {
    session.feed(core::bytes_of(bytes));
    session.flush();
  }
  Lines sent() { return reader.read(std::exchange(sink.written, {})); }
  BackendStreamId open(RecordingStream& user) {
    const BackendStreamId id = session.open(head, user);
    session.flush();
    return id;
  }
  BackendStreamId post(RecordingStream& user, BodySize body = {BodySize::Kind::open, 0}) {
    head.method = "POST";
    head.body = body;
    return open(user);
  }
};

std::string answer_block(std::string_view status, FieldPairs more = {}) {
  return block({{":status", status}}) + block(more);
}

std::string go_away(std::uint32_t last, std::uint32_t error = NGHTTP2_NO_ERROR) {
  return frame(NGHTTP2_GOAWAY, 0, 0, number(last, 4) + number(error, 4));
}

} // namespace

TEST_CASE("h2 backend: a request goes out on a stream of its own, its answer comes back on it") {
  Connection node;
  node.head.fields.add("x", "y");
  node.open(node.one);
  node.open(node.two);
  CHECK(node.sent() == Lines{"HEADERS 1 :method=GET :scheme=https :authority=a :path=/p x=y END",
                             "HEADERS 3 :method=GET :scheme=https :authority=a :path=/p x=y END"});
  node.feed(headers(3, answer_block("200", {{"content-length", "2"}}), kEndHeaders) +
            data(3, "hi", true));
  CHECK(node.two.take() == Lines{"response 200 body 2", "body hi", "end"});
  node.feed(headers(1, answer_block("204")));
  CHECK(node.one.take() == Lines{"response 204 body none end"});
  CHECK(node.session.idle());
}

TEST_CASE("h2 backend: a body goes out with its length and its trailers") {
  Connection node;
  const auto id = node.post(node.one, {BodySize::Kind::length, 5});
  node.session.send_body(id, core::bytes_of("hel"));
  node.session.flush();
  node.session.send_body(id, core::bytes_of("lo"));
  node.session.finish(id, nullptr);
  node.session.flush();
  CHECK(node.sent() == Lines{"HEADERS 1 :method=POST :scheme=https :authority=a :path=/p "
                             "content-length=5",
                             "DATA 1 hel", "DATA 1 lo END"});
  const auto other = node.post(node.two);
  FieldList trailers;
  trailers.add("x-sum", "1");
  trailers.add("authorization", "no");
  node.session.send_body(other, core::bytes_of("x"));
  node.session.finish(other, &trailers);
  node.session.flush();
  CHECK(node.sent() == Lines{"HEADERS 3 :method=POST :scheme=https :authority=a :path=/p",
                             "DATA 3 x", "HEADERS 3 x-sum=1 END"});
}

TEST_CASE("h2 backend: a body that does not keep to its length is reset (rule 5)") {
  Connection node;
  const auto more = node.post(node.one, {BodySize::Kind::length, 2});
  node.session.send_body(more, core::bytes_of("abc"));
  node.session.flush();
  CHECK(node.sent().back() == "RST_STREAM 1 INTERNAL_ERROR");
  const auto less = node.post(node.two, {BodySize::Kind::length, 2});
  node.session.send_body(less, core::bytes_of("a"));
  node.session.finish(less, nullptr);
  node.session.flush();
  CHECK(node.sent().back() == "RST_STREAM 3 INTERNAL_ERROR");
}

TEST_CASE("h2 backend: informational answers, trailers, HEAD") {
  Connection node;
  node.open(node.one);
  node.feed(headers(1, answer_block("103", {{"link", "l"}}), kEndHeaders) +
            headers(1, answer_block("200"), kEndHeaders) + data(1, "x") +
            headers(1, block({{"x-sum", "1"}, {"set-cookie", "no"}})));
  CHECK(node.one.take() ==
        Lines{"information 103 link=l", "response 200 body open", "body x", "end x-sum=1"});
  node.head.method = "HEAD";
  node.open(node.two);
  node.feed(headers(3, answer_block("200", {{"content-length", "7"}})));
  CHECK(node.two.take() == Lines{"response 200 body 7 end"});
}

TEST_CASE("h2 backend: an answer that breaks a rule fails alone") {
  for (const std::string& bad : {
           headers(1, answer_block("101"), kEndHeaders),
           headers(1, answer_block("200", {{"content-length", "+1"}}), kEndHeaders),
           headers(1, answer_block("200", {{"connection", "close"}}), kEndHeaders),
           headers(1, answer_block("200", {{"Upper", "case"}}), kEndHeaders),
           headers(1, block({{"x", "no status"}}), kEndHeaders),
       }) {
    Connection node;
    node.open(node.one);
    node.open(node.two);
    node.feed(bad);
    CHECK(node.one.take() == Lines{"failure malformed"});
    node.feed(headers(3, answer_block("204")));
    CHECK(node.two.take() == Lines{"response 204 body none end"});
  }
}

TEST_CASE("h2 backend: heads and informational answers without end fail") {
  Connection large;
  large.limits.header_count = 4;
  large.open(large.one);
  large.feed(headers(1, answer_block("200", {{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}}),
                     kEndHeaders));
  CHECK(large.one.take() == Lines{"failure too_large"});

  Connection many;
  many.open(many.one);
  for (unsigned i = 0; i <= H2BackendSession::kInformationLimit; ++i)
    many.feed(headers(1, answer_block("103"), kEndHeaders));
  CHECK(many.one.take().back() == "failure malformed");
}

TEST_CASE("h2 backend: what the node did not process is told as refused (RFC 9113 8.7)") {
  Connection node;
  node.open(node.one);
  node.open(node.two);
  SECTION("by REFUSED_STREAM") {
    node.feed(rst_stream(1, NGHTTP2_REFUSED_STREAM));
    CHECK(node.one.take() == Lines{"failure refused"});
    CHECK(node.session.usable());
  }
  SECTION("by GOAWAY, which lets the others finish") {
    node.feed(go_away(1));
    CHECK(node.two.take() == Lines{"failure refused"});
    CHECK_FALSE(node.session.usable());
    CHECK(node.session.room() == 0);
    node.feed(headers(1, answer_block("204")));
    CHECK(node.one.take() == Lines{"response 204 body none end"});
    CHECK(node.session.finished());
  }
  SECTION("another reset may have been processed") {
    node.feed(rst_stream(1, NGHTTP2_INTERNAL_ERROR));
    CHECK(node.one.take() == Lines{"failure closed_before_answer"});
  }
  SECTION("and one in the midst of the answer leaves it incomplete") {
    node.feed(headers(1, answer_block("200"), kEndHeaders) + rst_stream(1, NGHTTP2_REFUSED_STREAM));
    CHECK(node.one.take() == Lines{"response 200 body open", "failure closed_in_answer"});
  }
}

TEST_CASE("h2 backend: a whole answer with RST_STREAM(NO_ERROR) behind it is whole") {
  Connection node;
  const auto id = node.post(node.one);
  node.session.send_body(id, core::bytes_of("some"));
  node.session.flush();
  node.feed(headers(1, answer_block("413")) + rst_stream(1, NGHTTP2_NO_ERROR));
  CHECK(node.one.take() == Lines{"response 413 body 0 end"});
}

TEST_CASE("h2 backend: room is what the node allows, at most kMaxStreams") {
  Connection few(setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2));
  CHECK(few.session.room() == 2);
  few.open(few.one);
  CHECK(few.session.room() == 1);
  few.feed(headers(1, answer_block("204")));
  CHECK(few.session.room() == 2);
  Connection many(setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1'000'000));
  CHECK(many.session.room() == H2BackendSession::kMaxStreams);
}

TEST_CASE("h2 backend: a paused stream's window stays shut, the connection's does not (rule 16)") {
  Connection node;
  const auto id = node.open(node.one);
  node.open(node.two);
  node.sent();
  node.feed(headers(1, answer_block("200"), kEndHeaders));
  node.session.pause(id);
  const std::size_t window = H2BackendSession::kAnswerWindow;
  for (std::size_t came = 0; came < window; came += 16384)
    node.feed(data(1, std::string(16384, 'x')));
  CHECK(node.sent().empty()); // the connection's window is much larger
  node.feed(headers(3, answer_block("200"), kEndHeaders) + data(3, "quick"));
  CHECK(node.two.take().back() == "body quick");
  node.session.resume(id);
  node.session.flush();
  CHECK(node.sent() == Lines{fmt::format("WINDOW_UPDATE 1 {}", window)});
}

TEST_CASE("h2 backend: a request waits for the node's window, and says when there is room again") {
  Connection node;
  const auto id = node.post(node.one);
  node.session.send_body(id, core::bytes_of(std::string(300'000, 'x')));
  node.session.flush();
  CHECK(node.session.queued(id) == 300'000 - 65'535);
  CHECK(node.one.take().empty());
  node.feed(window_update(0, 1'000'000) + window_update(1, 200'000));
  CHECK(node.one.take() == Lines{"drained"});
  CHECK(node.session.queued(id) == 300'000 - 265'535);
}

TEST_CASE("h2 backend: nothing is framed while the sink is full") {
  Connection node;
  node.sink.blocked = true;
  node.sink.written = std::string(H2BackendSession::kWireHighWater, 'x');
  node.open(node.one);
  CHECK(node.sink.written.size() == H2BackendSession::kWireHighWater);
}

TEST_CASE("h2 backend: who leaves is told nothing more, and what was not ended is reset") {
  Connection node;
  const auto id = node.open(node.one);
  node.sent();
  node.session.leave(id);
  node.session.flush();
  CHECK(node.sent() == Lines{"RST_STREAM 1 CANCEL"});
  node.feed(headers(1, answer_block("200")));
  CHECK(node.one.take().empty());

  const auto whole = node.open(node.two);
  node.sent();
  node.feed(headers(3, answer_block("204")));
  node.session.leave(whole);
  node.session.flush();
  CHECK(node.sent().empty());
}

TEST_CASE("h2 backend: a handshake is an extended CONNECT, its acceptance a tunnel (RFC 8441)") {
  Connection node(setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1));
  CHECK(node.session.tunnels());
  node.head.upgrade = "websocket";
  node.head.fields.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  node.head.fields.add("sec-websocket-version", "13");
  const auto id = node.open(node.one);
  CHECK(node.sent() == Lines{"HEADERS 1 :method=CONNECT :protocol=websocket :scheme=https "
                             ":authority=a :path=/p sec-websocket-version=13"});
  node.feed(headers(1, answer_block("200"), kEndHeaders));
  CHECK(node.one.take() == Lines{"response 101 body open"});
  node.session.send_body(id, core::bytes_of("up"));
  node.session.flush();
  node.feed(data(1, "down", true));
  CHECK(node.one.take() == Lines{"body down", "end"});
  node.session.send_body(id, core::bytes_of("late"));
  node.session.finish(id, nullptr);
  node.session.leave(id);
  node.session.flush();
  CHECK(node.sent() == Lines{"DATA 1 up", "DATA 1 late END"});
  CHECK(node.session.idle());

  CHECK_FALSE(Connection().session.tunnels());
}

TEST_CASE("h2 backend: pings and the connection's end") {
  Connection node;
  node.session.ping();
  node.session.flush();
  CHECK(node.sent() == Lines{"PING 0"});
  CHECK_FALSE(node.session.ping_answered());
  node.feed(frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0')));
  CHECK(node.session.ping_answered());
  node.session.shut_down();
  node.session.flush();
  CHECK(node.sent() == Lines{"GOAWAY 0 NO_ERROR"});
  CHECK(node.session.finished());

  Connection garbage;
  garbage.feed("this is not HTTP/2 at all");
  CHECK(garbage.session.finished());
}

} // namespace rproxyd::test
