#include "rproxyd/http/h2_client_session.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "rproxyd/http/h1_parser.h"
#include "tests/unit/rproxyd/http/h2_wire.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

using namespace std::literals;

constexpr auto kRequestOfGet = "request 1 GET /p at a body none end";

// A connection whose preface and settings have been exchanged.
constexpr std::size_t kStreamWindow = H2ClientSession::kStreamWindow;
constexpr int kFramesOfWindow = kStreamWindow / 16384;

struct Client {
  MessageLimits limits;
  core::ChunkPool pool;
  StringSink sink;
  RecordingClient events;
  FrameReader reader;
  H2ClientSession session;
  core::Now now = kNow;

  explicit Client(MessageLimits with = {}, std::string_view settings = "")
      : limits(with), session(sink, events, limits, pool) {
    feed(std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0, settings));
    CHECK(sent() == Lines{"SETTINGS 0", "SETTINGS 0 ACK", "WINDOW_UPDATE 0 983041"});
    feed(frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
  }
  // A wake-up of the shell.
  void feed(std::string_view bytes) {
    session.feed(core::bytes_of(bytes), now);
    session.flush(now);
  }
  void flush() { session.flush(now); }
  Lines take() { return std::exchange(events.lines, {}); }
  Lines sent() { return reader.read(std::exchange(sink.written, {})); }

  void answer(StreamId stream, std::string_view body, std::uint16_t status = 200) {
    begin_answer(stream, {BodySize::Kind::length, body.size()}, status);
    session.send_body(stream, core::bytes_of(body));
    session.finish(stream, nullptr);
  }
  void begin_answer(StreamId stream, BodySize body, std::uint16_t status = 200) {
    ResponseHead head;
    head.status = status;
    head.body = body;
    session.respond(stream, head);
  }
};

constexpr BodySize kOpen{BodySize::Kind::open, 0};
constexpr StreamId kOne{1};
constexpr StreamId kThree{3};

// What a request gives rise to on a new connection: events, then frames.
std::pair<Lines, Lines> request(std::string_view block, MessageLimits limits = {}) {
  Client client(limits);
  client.feed(headers(1, block));
  return {client.take(), client.sent()};
}

// Refused by nghttp2: the stream is reset, and nothing of it reaches the application.
void check_reset(std::string_view block) {
  CAPTURE(block);
  const auto [events, frames] = request(block);
  CHECK(frames == Lines{"RST_STREAM 1 PROTOCOL_ERROR"});
  for (const auto& line : events) CHECK(line.starts_with("refused"));
}

void check_answered(std::string_view block, int status, MessageLimits limits = {}) {
  CAPTURE(block);
  const auto [events, frames] = request(block, limits);
  REQUIRE(events.size() == 1);
  CHECK(events[0].starts_with("refused "));
  CHECK(events[0].ends_with(fmt::format(" {}", status)));
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].starts_with(fmt::format("HEADERS 1 :status={} date=", status)));
  CHECK(frames[1].starts_with(fmt::format("DATA 1 {} ", status)));
  CHECK(frames[1].ends_with(" END"));
}

} // namespace

TEST_CASE("h2: a request is answered, and its stream ends") {
  Client client;
  client.feed(headers(1, get_block({{"x", "y"}})));
  CHECK(client.take() == Lines{"request 1 GET /p at a x=y body none end"});
  CHECK_FALSE(client.session.idle());
  client.answer(kOne, "hi");
  CHECK(client.sent().empty()); // written by flush() alone
  client.flush();
  CHECK(client.sent() == Lines{"HEADERS 1 :status=200 content-length=2", "DATA 1 hi END"});
  CHECK(client.take() == Lines{"closed 1"});
  CHECK(client.session.idle());
}

TEST_CASE("h2: requests are taken side by side, and answered in any order") {
  Client client;
  client.feed(headers(1, get_block()) + headers(3, get_block()));
  client.answer(kThree, "three");
  client.flush();
  client.answer(kOne, "one");
  client.flush();
  CHECK(client.sent() == Lines{"HEADERS 3 :status=200 content-length=5", "DATA 3 three END",
                               "HEADERS 1 :status=200 content-length=3", "DATA 1 one END"});
  CHECK(client.take() ==
        Lines{kRequestOfGet, "request 3 GET /p at a body none end", "closed 3", "closed 1"});
}

TEST_CASE("h2: a connection's requests are read the same in pieces of any size") {
  const std::string head = post_block({{"cookie", "a=1"}, {"cookie", "b=2"}});
  const std::string input = std::string(kPreface) + setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0) +
                            headers(1, get_block()) + headers(3, head.substr(0, 10), 0) +
                            frame(NGHTTP2_CONTINUATION, kEndHeaders, 3, head.substr(10)) +
                            data(3, "hello ") + ping() + data(3, "world") +
                            headers(3, literal("x-sum", "1")) +
                            headers(5, get_block({{"Upper", "case"}}));
  const auto run = [&](std::size_t size) {
    const MessageLimits limits;
    core::ChunkPool pool;
    StringSink sink;
    RecordingClient events;
    H2ClientSession session(sink, events, limits, pool);
    for (std::size_t at = 0; at < input.size(); at += size) {
      session.feed(core::bytes_of(std::string_view(input).substr(at, size)), kNow);
      session.flush(kNow);
    }
    return events.lines;
  };
  const Lines whole = run(input.size());
  CHECK(whole == Lines{kRequestOfGet, "request 3 POST /p at a cookie=a=1 cookie=b=2 body open",
                       "body 3 hello world", "end 3 x-sum=1", "refused GET /p 400"});
  for (const std::size_t size : {1U, 2U, 3U, 5U, 8U, 9U, 10U, 13U, 24U, 100U})
    CHECK(run(size) == whole);
  for (std::size_t cut = 1; cut < input.size(); ++cut) {
    const MessageLimits limits;
    core::ChunkPool pool;
    StringSink sink;
    RecordingClient events;
    H2ClientSession session(sink, events, limits, pool);
    session.feed(core::bytes_of(input).first(cut), kNow);
    session.feed(core::bytes_of(input).subspan(cut), kNow);
    CHECK(events.lines == whole);
  }
}

TEST_CASE("h2: an open body is sent as it comes, and ends with trailers or without") {
  Client client;
  client.feed(headers(1, get_block()));
  client.begin_answer(kOne, kOpen);
  client.flush();
  CHECK(client.sent() == Lines{"HEADERS 1 :status=200"});
  client.session.send_body(kOne, core::bytes_of("event 1"));
  client.flush();
  CHECK(client.sent() == Lines{"DATA 1 event 1"}); // rule 16: the first event leaves at once
  client.session.send_body(kOne, core::bytes_of("event 2"));
  FieldList trailers;
  trailers.add("x-sum", "1");
  trailers.add("content-length", "1");
  client.session.finish(kOne, &trailers);
  client.flush();
  CHECK(client.sent() == Lines{"DATA 1 event 2", "HEADERS 1 x-sum=1 END"});
  CHECK(client.take() == Lines{kRequestOfGet, "closed 1"});

  Client plain;
  plain.feed(headers(1, get_block()));
  plain.begin_answer(kOne, kOpen);
  plain.flush();
  plain.session.finish(kOne, nullptr);
  plain.flush();
  CHECK(plain.sent() == Lines{"HEADERS 1 :status=200", "DATA 1 END"});
}

TEST_CASE("h2: HEAD, 204 and 304 are answered without a body") {
  Client client;
  client.feed(headers(1, block({{":method", "HEAD"},
                                {":scheme", "https"},
                                {":authority", "a"},
                                {":path", "/p"}})) +
              headers(3, get_block()) + headers(5, get_block()));
  client.answer(kOne, "hello");
  client.begin_answer(kThree, {}, 204);
  client.session.finish(kThree, nullptr);
  client.begin_answer(StreamId{5}, {BodySize::Kind::length, 5}, 304);
  client.session.finish(StreamId{5}, nullptr);
  client.flush();
  CHECK(client.sent() == Lines{"HEADERS 1 :status=200 content-length=5 END",
                               "HEADERS 3 :status=204 END",
                               "HEADERS 5 :status=304 content-length=5 END"});
}

TEST_CASE("h2: informational answers go before the final one, 100 only when asked for") {
  Client client;
  client.feed(headers(1, post_block({{"expect", "100-continue"}}), kEndHeaders));
  CHECK(client.events.lines[0] == "request 1 POST /p at a body open");
  client.events.latest_head->clear(); // the application's right
  client.feed(headers(3, get_block()));
  client.session.send_continue(kOne);
  client.session.send_continue(kThree);
  ResponseHead hints;
  hints.status = 103;
  hints.fields.add("link", "</a>");
  client.session.inform(kThree, hints);
  client.answer(kThree, "");
  client.flush();
  CHECK(client.sent() == Lines{"HEADERS 1 :status=100", "HEADERS 3 :status=103 link=</a>",
                               "HEADERS 3 :status=200 content-length=0 END"});
}

TEST_CASE(
    "h2, rule 5: an answer that is not as long as announced resets the stream (RFC 9113 8.1.1)") {
  for (const auto& body : {"hell"sv, "hello!"sv}) {
    Client client;
    client.feed(headers(1, get_block()));
    client.begin_answer(kOne, {BodySize::Kind::length, 5});
    client.session.send_body(kOne, core::bytes_of(body));
    client.session.finish(kOne, nullptr);
    client.flush();
    CHECK(client.sent().back() == "RST_STREAM 1 INTERNAL_ERROR");
    CHECK(client.take() == Lines{kRequestOfGet, "closed 1 broken"});
    CHECK_FALSE(client.session.finished());
  }
}

TEST_CASE("h2, rule 5: a request that is not as long as announced is reset (RFC 9113 8.1.1)") {
  for (const auto& body : {"hell"sv, "hello!"sv}) {
    Client client;
    client.feed(headers(1, post_block({{"content-length", "5"}}), kEndHeaders) +
                data(1, body, true));
    CHECK(client.sent() == Lines{"RST_STREAM 1 PROTOCOL_ERROR"});
    CHECK(client.take().back() == "closed 1 broken");
  }
}

TEST_CASE("h2, rule 19: an answer that is broken off ends in RST_STREAM") {
  Client client;
  client.feed(headers(1, get_block()));
  client.begin_answer(kOne, kOpen);
  client.session.send_body(kOne, core::bytes_of("half"));
  client.flush();
  client.session.reset(kOne);
  client.session.send_body(kOne, core::bytes_of("more"));
  client.session.finish(kOne, nullptr);
  client.flush();
  CHECK(client.sent() ==
        Lines{"HEADERS 1 :status=200", "DATA 1 half", "RST_STREAM 1 INTERNAL_ERROR"});
  CHECK(client.take() == Lines{kRequestOfGet, "closed 1 broken"});
}

TEST_CASE("h2: a client that resets a stream breaks it off, and no other") {
  Client client;
  client.feed(headers(1, get_block()) + headers(3, get_block()));
  client.begin_answer(kOne, kOpen);
  client.session.send_body(kOne, core::bytes_of("half"));
  client.feed(rst_stream(1));
  client.answer(kOne, "nothing");
  client.answer(kThree, "three");
  client.flush();
  CHECK(client.sent().back() == "DATA 3 three END");
  CHECK(client.take() ==
        Lines{kRequestOfGet, "request 3 GET /p at a body none end", "closed 1 broken", "closed 3"});
  CHECK(client.pool.in_use() == 0);
}

TEST_CASE("h2, rule 16: a stream's window opens as its bytes are consumed, and no earlier") {
  Client client;
  client.feed(headers(1, post_block(), kEndHeaders));
  const std::string frame_of_body(16384, 'b');
  for (int i = 0; i < kFramesOfWindow; ++i) client.feed(data(1, frame_of_body));
  CHECK(client.events.body_bytes == kStreamWindow);
  CHECK(client.sent().empty());
  client.session.consumed(kOne, kStreamWindow);
  client.flush();
  CHECK(client.sent() == Lines{"WINDOW_UPDATE 1 262144"});
  // One byte over the window (RFC 9113 section 6.9).
  for (int i = 0; i < kFramesOfWindow; ++i) client.feed(data(1, frame_of_body));
  client.feed(data(1, "b"));
  CHECK(client.sent().front() ==
        "RST_STREAM 1 FLOW_CONTROL_ERROR"); // the connection's window goes on
  CHECK(client.take().back() == "closed 1 broken");
}

TEST_CASE(
    "h2, rule 16: bytes that a broken stream took along don't close the connection's window") {
  Client client;
  const std::string frame_of_body(16384, 'b');
  std::size_t updated = 0;
  for (std::uint32_t stream = 1; stream < 200; stream += 2) {
    client.now.steady += std::chrono::seconds(1);
    client.feed(headers(stream, post_block(), kEndHeaders));
    for (int i = 0; i < 4; ++i) client.feed(data(stream, frame_of_body));
    client.feed(rst_stream(stream));
    for (const auto& line : client.sent()) {
      if (line.starts_with("WINDOW_UPDATE 0 ")) updated += std::stoul(line.substr(16));
    }
  }
  CHECK(updated + H2ClientSession::kConnectionWindow >= 100 * 4 * frame_of_body.size());
}

TEST_CASE("h2, rule 16: an answer waits for the client's window, and its queue is told") {
  Client client({}, number(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2) + number(10, 4));
  client.feed(headers(1, get_block()));
  client.begin_answer(kOne, kOpen);
  client.session.send_body(kOne, core::bytes_of(std::string(kAnswerHighWater + 10, 'a')));
  client.flush();
  CHECK(client.sent() == Lines{"HEADERS 1 :status=200", "DATA 1 aaaaaaaaaa"});
  CHECK(client.session.queued(kOne) >= kAnswerHighWater);
  client.feed(window_update(1, kAnswerHighWater - kAnswerLowWater));
  CHECK(client.take() == Lines{kRequestOfGet}); // at the low level, not under it
  client.sink.written.clear();
  client.feed(window_update(1, 1));
  CHECK(client.take().empty()); // the connection's window is closed, too
  client.feed(window_update(0, 1000000));
  CHECK(client.take() == Lines{"drained 1"});
  CHECK(client.session.queued(kOne) == kAnswerLowWater - 1);
}

TEST_CASE(
    "h2, rule 16: while the sink is full no frames are made, and a reset overtakes what waits") {
  Client client;
  client.sink.blocked = true;
  client.feed(window_update(0, 10000000) + setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10000000));
  client.feed(headers(1, get_block()));
  client.begin_answer(kOne, kOpen);
  client.session.send_body(kOne, core::bytes_of(std::string(kAnswerHighWater, 'a')));
  client.flush();
  CHECK(client.sink.written.size() >= H2ClientSession::kWireHighWater);
  CHECK(client.sink.written.size() < H2ClientSession::kWireHighWater + 17000);
  const std::size_t before = client.sink.written.size();
  client.flush();
  CHECK(client.sink.written.size() == before);
  client.session.reset(kOne);
  client.sent();
  client.flush();
  CHECK(client.sent().back() == "RST_STREAM 1 INTERNAL_ERROR");
  CHECK(client.take().back() == "closed 1 broken");
  CHECK(client.pool.in_use() == 0);
}

TEST_CASE("h2, rule 9: what waits for stalled windows is bounded for all streams together") {
  Client client({}, number(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2) + number(0, 4));
  std::size_t taken = 0;
  for (std::uint32_t id = 1; id < 2 * client.limits.streams; id += 2) {
    client.feed(headers(id, get_block()));
    client.begin_answer(StreamId{id}, kOpen);
    const std::string piece(4096, 'a');
    while (client.session.queued(StreamId{id}) < kAnswerHighWater) {
      client.session.send_body(StreamId{id}, core::bytes_of(piece));
      taken += piece.size();
    }
  }
  CHECK(client.events.open == 128);
  CHECK(taken <
        H2ClientSession::kConnectionAnswerBytes + client.limits.streams * (kAnswerLowWater + 4096));
  client.session.break_off();
  CHECK(client.pool.in_use() == 0);
}

TEST_CASE("h2: an answer before the request's end is sent whole, and the rest is read over") {
  Client client;
  client.feed(headers(1, post_block(), kEndHeaders) + data(1, "some"));
  client.answer(kOne, "early");
  client.flush();
  CHECK(client.sent() == Lines{"HEADERS 1 :status=200 content-length=5", "DATA 1 early END"});
  CHECK(client.take() == Lines{"request 1 POST /p at a body open", "body 1 some", "closed 1"});
  CHECK(client.session.idle());
  client.feed(data(1, "late") + headers(3, get_block()) + data(1, "later", true));
  CHECK(client.take() == Lines{"request 3 GET /p at a body none end"});
  CHECK(client.sent().empty());
}

TEST_CASE(
    "h2: of a request that goes on and on after its answer the rest is declined (RFC 9113 8.1)") {
  Client client;
  client.feed(headers(1, post_block(), kEndHeaders) + data(1, "some")); // never consumed
  client.answer(kOne, "early");
  client.flush();
  client.take();
  client.sent();
  const std::string frame_of_body(10000, 'b');
  std::size_t fed = 0;
  Lines frames;
  while (fed < 10 * H2ClientSession::kDiscardBytes &&
         (frames.empty() || !frames.back().starts_with("RST"))) {
    client.feed(data(1, frame_of_body));
    fed += frame_of_body.size();
    const Lines more = client.sent();
    frames.insert(frames.end(), more.begin(), more.end());
  }
  CHECK(frames.back() == "RST_STREAM 1 NO_ERROR");
  CHECK(fed > H2ClientSession::kDiscardBytes);
  CHECK(fed <= H2ClientSession::kDiscardBytes + frame_of_body.size());
  CHECK(client.take().empty());
  CHECK_FALSE(client.session.finished());
}

TEST_CASE("h2: a draining connection waits for no request that has been answered") {
  Client client;
  client.feed(headers(1, post_block(), kEndHeaders) + headers(3, post_block(), kEndHeaders));
  client.answer(kOne, "early");
  client.flush();
  client.session.drain();
  client.answer(kThree, "early");
  client.flush();
  client.feed(frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "draining"));
  const Lines frames = client.sent();
  CHECK(std::ranges::count(frames, "RST_STREAM 1 NO_ERROR") == 1);
  CHECK(std::ranges::count(frames, "RST_STREAM 3 NO_ERROR") == 1);
  CHECK(Lines(client.events.lines.end() - 2, client.events.lines.end()) ==
        Lines{"closed 1", "closed 3"});
  CHECK(client.session.finished());
}

TEST_CASE("h2, rule 10: fields are limited by number, cookie crumbs counted one by one") {
  MessageLimits limits;
  limits.header_count = 6;
  CHECK(request(get_block({{"cookie", "a"}, {"cookie", "b"}}), limits)
            .first[0]
            .starts_with("request 1 GET"));
  check_answered(get_block({{"cookie", "a"}, {"cookie", "b"}, {"cookie", "c"}}), 431, limits);
}

TEST_CASE("h2, rule 10: fields are limited by size, with 32 bytes for each (RFC 9113 6.5.2)") {
  MessageLimits limits;
  limits.header_bytes = 4 * 32 + 40 + 32 + 11; // pseudo-header fields, and one of 11 bytes
  CHECK(request(get_block({{"name", "0123456"}}), limits).first[0].starts_with("request 1 GET"));
  check_answered(get_block({{"name", "01234567"}}), 431, limits);
}

TEST_CASE(
    "h2, rule 10: a table of fields that swells on our side is counted as it swells (HTTP/2 "
    "Bomb)") {
  Client client;
  // One entry of 4000 bytes in the dynamic table, named again by one byte each (RFC 7541 section 6.1).
  std::string swelling = get_block() + "\x40" + literal("bomb", std::string(4000, 'a')).substr(1) +
                         std::string(8000, '\xbe');
  client.feed(headers(1, swelling));
  CHECK(client.take() == Lines{"refused GET /p 431"});
  CHECK(client.sent()[0].starts_with("HEADERS 1 :status=431"));
}

TEST_CASE("h2, rule 9: CONTINUATION frames are limited (CVE-2024-28182)") {
  Client client;
  std::string input = headers(1, get_block(), 0);
  for (std::size_t i = 0; i < H2FloodGuard::kContinuations; ++i)
    input += frame(NGHTTP2_CONTINUATION, 0, 1, literal("x", "y"));
  client.feed(input);
  CHECK(client.events.floods.empty());
  client.feed(frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, literal("x", "y")));
  CHECK(client.events.floods == Lines{"continuations"});
  CHECK(client.sent().back() == "GOAWAY 1 ENHANCE_YOUR_CALM");
  CHECK(client.session.finished());
  CHECK(client.take().empty());
}

TEST_CASE(
    "h2, rule 11: fields with bytes that no field may have reset the stream (RFC 9113 8.2.1)") {
  check_reset(get_block({{"x", "a\rb"}}));
  check_reset(get_block({{"x", "a\nb"}}));
  check_reset(get_block({{"x", "a\0b"sv}}));
  check_reset(get_block({{"x", "a\r\nTransfer-Encoding: chunked"}}));
  check_reset(get_block({{"x", " a"}}));
  check_reset(get_block({{"x", "a "}}));
  check_reset(get_block({{"x\r\ny", "a"}}));
  check_reset(get_block({{"x:y", "a"}}));
  check_reset(get_block({{"x y", "a"}}));
  check_reset(get_block({{"", "a"}}));
  check_reset(get_block({{"X", "a"}}));
}

TEST_CASE("h2, rule 11: connection headers reset the stream (RFC 9113 8.2.2)") {
  for (const auto* name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
    check_reset(get_block({{name, "x"}}));
  check_reset(get_block({{"te", "gzip"}}));
  CHECK(request(get_block({{"te", "trailers"}})).first ==
        Lines{"request 1 GET /p at a te=trailers body none end"});
}

TEST_CASE(
    "h2, rule 11: pseudo-header fields that are missing, repeated, unknown or late reset the "
    "stream (RFC 9113 8.3)") {
  check_reset(block({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}}));
  check_reset(block({{":method", "GET"}, {":path", "/"}, {":authority", "a"}}));
  check_reset(block({{":scheme", "https"}, {":path", "/"}, {":authority", "a"}}));
  check_reset(block({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}));
  for (const auto* name : {":method", ":scheme", ":authority", ":path"})
    check_reset(get_block({}) + literal(name, "/"));
  check_reset(get_block({}) + literal(":status", "200"));
  check_reset(get_block({}) + literal(":protocol", "websocket"));
  check_reset(block(
      {{":method", "GET"}, {":scheme", "https"}, {"x", "y"}, {":authority", "a"}, {":path", "/"}}));
  check_reset(block({{":method", ""}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
  check_reset(
      block({{":method", "GET POST"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
}

TEST_CASE("h2, rule 11: a :path with a space, a control byte or no slash is refused") {
  for (const auto& path : {"/a b"sv, "/a\r\nb"sv, "/a\tb"sv, ""sv, "a"sv, "*"sv, "https://a/"sv,
                           "/a#b"sv, "/\x80"sv, "/\x7f"sv, "/a HTTP/1.1\r\nX: y\r\n"sv}) {
    CAPTURE(path);
    const auto [events, frames] = request(
        block({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", path}}));
    CHECK(events.size() == 1);
    CHECK(events[0].starts_with("refused"));
    CHECK(events[0].ends_with("400"));
    CHECK((frames[0] == "RST_STREAM 1 PROTOCOL_ERROR" ||
           frames[0].starts_with("HEADERS 1 :status=400")));
  }
}

TEST_CASE(
    "h2, rule 11: :authority and Host must agree, and either may stand alone (RFC 9113 8.3.1)") {
  CHECK(request(get_block({{"host", "A"}})).first == Lines{kRequestOfGet});
  check_answered(get_block({{"host", "b"}}), 400);
  check_reset(get_block({{"host", ""}}));
  CHECK(request(block({{":method", "GET"}, {":scheme", "https"}, {":path", "/p"}, {"host", "a"}}))
            .first == Lines{kRequestOfGet});
  check_reset(get_block({{"host", "a"}, {"host", "a"}}));
  check_answered(
      block({{":method", "GET"}, {":scheme", "https"}, {":authority", "user@a"}, {":path", "/p"}}),
      400);
  check_answered(
      block({{":method", "GET"}, {":scheme", "https"}, {":path", "/p"}, {"host", "a:x"}}), 400);
}

TEST_CASE("h2, rule 1: a Content-Length that is not plain digits, or is there twice, is refused") {
  for (const auto* value : {"+1", "1_0", "0x1", "", "a", "-1", "1,1", "99999999999999999999"}) {
    CAPTURE(value);
    const auto [events, frames] = request(post_block({{"content-length", value}}));
    CHECK(events.size() == 1);
    CHECK(events[0].starts_with("refused"));
  }
  check_reset(post_block({{"content-length", "0"}, {"content-length", "0"}}));
}

TEST_CASE("h2, rule 4: names with an underscore are dropped, kept or refused as set") {
  MessageLimits limits;
  const std::string with_one = get_block({{"x_y", "1"}, {"x", "2"}});
  CHECK(request(with_one, limits).first == Lines{"request 1 GET /p at a x=2 body none end"});
  limits.underscore_names = UnderscoreNames::keep;
  CHECK(request(with_one, limits).first == Lines{"request 1 GET /p at a x_y=1 x=2 body none end"});
  limits.underscore_names = UnderscoreNames::refuse;
  check_answered(with_one, 400, limits);
}

TEST_CASE("h2: methods, schemes and expectations that are not served have their own status") {
  check_answered(block({{":method", "CONNECT"}, {":authority", "a:443"}}), 405);
  check_answered(
      block({{":method", "TRACE"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}),
      405);
  check_answered(
      block({{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}}), 400);
  check_answered(post_block({{"expect", "a pony"}}), 417);
}

TEST_CASE(
    "h2: a target of the allowed size is taken, and a longer one refused (RFC 9110 15.5.15)") {
  for (const std::size_t size : {H1Parser::kTargetBytes, H1Parser::kTargetBytes + 1}) {
    const std::string path = "/" + std::string(size - 1, 'a');
    const std::string fields =
        block({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", path}});
    Client client;
    client.feed(headers(1, fields.substr(0, 16384), kEndStream) +
                frame(NGHTTP2_CONTINUATION, 0, 1, fields.substr(16384, 16384)) +
                frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, fields.substr(32768)));
    if (size == H1Parser::kTargetBytes) {
      CHECK(client.events.open == 1);
    } else {
      CHECK(client.events.refused_status == 414);
    }
  }
}

TEST_CASE("h2: a body over the limit is refused, announced or not (RFC 9110 15.5.14)") {
  MessageLimits limits;
  limits.body_bytes = 5;
  Client announced(limits);
  announced.feed(headers(1, post_block({{"content-length", "6"}}), kEndHeaders));
  CHECK(announced.take() == Lines{"refused POST /p 413"});
  CHECK(announced.sent().back().ends_with(" END"));

  Client open(limits);
  open.feed(headers(1, post_block(), kEndHeaders) + data(1, "hello"));
  CHECK(open.sent().empty());
  open.feed(data(1, "!"));
  CHECK(open.take() == Lines{"request 1 POST /p at a body open", "body 1 hello",
                             "refused POST /p 413", "closed 1 broken"});
  const auto frames = open.sent();
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].starts_with("HEADERS 1 :status=413"));
  CHECK(frames[1].ends_with(" END"));
}

TEST_CASE("h2, rule 6: trailers are filtered, and count against the limits") {
  Client client;
  client.feed(headers(1, post_block(), kEndHeaders) +
              headers(1, block({{"x-sum", "1"}, {"host", "b"}, {"x-forwarded-for", "1"}})));
  CHECK(client.take() == Lines{"request 1 POST /p at a body open", "end 1 x-sum=1"});

  MessageLimits limits;
  limits.header_count = 5;
  Client many(limits);
  many.feed(headers(1, post_block(), kEndHeaders) + headers(1, block({{"a", "1"}, {"b", "1"}})));
  CHECK(many.take() ==
        Lines{"request 1 POST /p at a body open", "refused POST /p 431", "closed 1 broken"});
}

TEST_CASE("h2: no more streams than allowed are open at once (RFC 9113 5.1.2)") {
  MessageLimits limits;
  limits.streams = 2;
  core::ChunkPool pool;
  StringSink sink;
  RecordingClient events;
  FrameReader reader;
  H2ClientSession session(sink, events, limits, pool);
  session.feed(
      core::bytes_of(std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0, "") +
                     headers(1, get_block()) + headers(3, get_block()) + headers(5, get_block())),
      kNow);
  session.flush(kNow);
  CHECK(events.open == 2);
  CHECK(reader.read(sink.written).back() == "RST_STREAM 5 REFUSED_STREAM");

  // One that knows the limit is told so as well, and gets room when another stream has ended.
  Client client(limits);
  client.feed(headers(1, get_block()) + headers(3, get_block()) + headers(5, get_block()));
  CHECK(client.sent() == Lines{"RST_STREAM 5 REFUSED_STREAM"});
  CHECK(client.events.open == 2);
  client.answer(kOne, "");
  client.flush();
  client.feed(headers(7, get_block()));
  CHECK(client.events.open == 2);
  CHECK(client.events.floods.empty());
}

TEST_CASE("h2: the limit of streams that the client is told is the one that is kept") {
  MessageLimits limits;
  limits.streams = 77;
  core::ChunkPool pool;
  StringSink sink;
  RecordingClient events;
  H2ClientSession session(sink, events, limits, pool);
  session.flush(kNow);
  CHECK(sink.written.contains(number(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2) + number(77, 4)));
}

TEST_CASE("h2, rule 9: a client that goes on opening streams over the limit is ended") {
  MessageLimits limits;
  limits.streams = 2;
  Client client(limits);
  client.feed(headers(1, get_block()) + headers(3, get_block()));
  client.take();
  std::uint32_t id = 5;
  for (; !client.session.finished() && id < 2000; id += 2) client.feed(headers(id, get_block()));
  CHECK(client.events.floods == Lines{"streams"});
  CHECK(client.sent().back().ends_with("ENHANCE_YOUR_CALM"));
  CHECK(id < 500);
}

TEST_CASE("h2, rule 9: rapid resets end the connection (CVE-2023-44487)") {
  Client client;
  std::uint32_t id = 1;
  for (; !client.session.finished() && id < 2000; id += 2)
    client.feed(headers(id, get_block()) + rst_stream(id));
  CHECK(id / 2 > 200);
  CHECK(id / 2 < 210);
  CHECK(client.sent().back().ends_with(" ENHANCE_YOUR_CALM"));
  CHECK(client.events.floods == Lines{"resets"});
  CHECK(client.events.open == 0);
}

TEST_CASE(
    "h2, rule 9: resets that a client provokes end the connection (MadeYouReset, CVE-2025-8671)") {
  Client client;
  std::uint32_t id = 1;
  for (; !client.session.finished() && id < 2000; id += 2) {
    client.feed(headers(id, get_block()));
    client.feed(window_update(id, 0x7fffffff)); // over the window's limit: an error of the stream
  }
  CHECK(id / 2 > 100);
  CHECK(id / 2 < 110);
  CHECK(client.sent().back().ends_with(" ENHANCE_YOUR_CALM"));
  CHECK(client.events.floods == Lines{"provoked resets"});
  CHECK(client.events.open == 0);
}

TEST_CASE("h2, rule 9: requests that are refused over and over end the connection") {
  Client client;
  std::uint32_t id = 1;
  for (; !client.session.finished() && id < 2000; id += 2)
    client.feed(headers(id, get_block({{"host", "b"}})));
  CHECK(id / 2 > 100);
  CHECK(id / 2 < 110);
  CHECK(client.sent().back().ends_with(" ENHANCE_YOUR_CALM"));
  CHECK(client.events.floods == Lines{"refused requests"});
}

TEST_CASE("h2, rule 9: floods of frames that do nothing end the connection") {
  const auto one = GENERATE(
      as<std::string>(), ping(), setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100), data(1, ""),
      window_update(1, 1), frame(NGHTTP2_PRIORITY, 0, 1, "12345"), frame(0xbb, 0, 0, ""));
  Client client;
  client.feed(headers(1, post_block(), kEndHeaders));
  int count = 0;
  while (!client.session.finished() && ++count < 5000) client.feed(one);
  CHECK(count >= 50);
  CHECK(count <= 1010);
  CHECK(client.sent().back().ends_with(" ENHANCE_YOUR_CALM"));
  CHECK(client.take().back() == "closed 1 broken");
  CHECK(client.events.floods.size() == 1);
}

TEST_CASE("h2, rule 9: answers to pings that nobody reads are bounded") {
  Client client;
  client.sink.blocked = true;
  client.sink.written = std::string(H2ClientSession::kWireHighWater, 'x');
  std::size_t taken = 0;
  while (client.session.wants_input() && taken < 100000) {
    client.now.steady += std::chrono::milliseconds(30);
    client.feed(ping());
    ++taken;
  }
  CHECK(taken <= H2ClientSession::kOutboundFrames + 2);
  CHECK(client.sink.written.size() == H2ClientSession::kWireHighWater);
}

TEST_CASE("h2: the resets of an application count against nobody") {
  Client client;
  for (std::uint32_t id = 1; id < 1000; id += 2) {
    client.feed(headers(id, get_block()));
    client.session.reset(StreamId{id});
    client.flush();
  }
  CHECK_FALSE(client.session.finished());
  CHECK(client.events.floods.empty());
}

TEST_CASE(
    "h2: a client that has asked for nothing yet may ask before it is told to go (RFC 9113 6.8)") {
  Client fresh;
  fresh.session.drain_gently();
  fresh.flush();
  CHECK(fresh.sent().empty());
  fresh.feed(headers(1, get_block()));
  CHECK(fresh.take().back() == "request 1 GET /p at a body none end");
  fresh.flush();
  CHECK(fresh.sent() == Lines{"GOAWAY 2147483647 NO_ERROR", "PING 0"});

  Client served;
  served.feed(headers(1, get_block()));
  served.session.drain_gently();
  served.flush();
  CHECK(served.sent() == Lines{"GOAWAY 2147483647 NO_ERROR", "PING 0"});
}

TEST_CASE("h2: draining refuses nothing until the client must know (RFC 9113 6.8)") {
  Client client;
  client.feed(headers(1, get_block()));
  client.session.drain();
  client.flush();
  CHECK(client.sent() == Lines{"GOAWAY 2147483647 NO_ERROR", "PING 0"});
  client.feed(headers(3, get_block())); // sent before the notice was seen
  CHECK(client.take().back() == "request 3 GET /p at a body none end");
  client.feed(frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "draining"));
  CHECK(client.sent() == Lines{"GOAWAY 3 NO_ERROR"});
  client.answer(kOne, "1");
  client.answer(kThree, "3");
  client.flush();
  CHECK(client.sent().size() == 4);
  CHECK(client.session.finished());
  CHECK(client.take() == Lines{"closed 1", "closed 3"});
}

TEST_CASE("h2: the client's end breaks off all streams") {
  Client client;
  client.feed(headers(1, get_block()) + headers(3, get_block()));
  client.begin_answer(kOne, kOpen);
  client.session.send_body(kOne, core::bytes_of("half"));
  client.session.break_off();
  CHECK(client.session.finished());
  CHECK(client.events.open == 0);
  client.session.send_body(kOne, core::bytes_of("more"));
  client.session.reset(kThree);
  client.flush();
  CHECK(client.pool.in_use() == 0);
}

TEST_CASE("h2: a connection that is not HTTP/2 ends") {
  const MessageLimits limits;
  core::ChunkPool pool;
  StringSink sink;
  RecordingClient events;
  H2ClientSession session(sink, events, limits, pool);
  session.feed(core::bytes_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), kNow);
  session.flush(kNow);
  CHECK(session.finished());
  CHECK_FALSE(session.wants_input());
}

TEST_CASE("h2: an error of the connection ends all streams (RFC 9113 5.4.1)") {
  Client client;
  client.feed(headers(1, get_block()));
  client.feed(data(0, "on no stream"));
  CHECK(client.sent().back().starts_with("GOAWAY 1 PROTOCOL_ERROR"));
  CHECK(client.session.finished());
  CHECK(client.take() == Lines{kRequestOfGet, "closed 1 broken"});
}

TEST_CASE("h2: a head in progress is told from an idle connection") {
  Client client;
  CHECK(client.session.idle());
  client.feed(headers(1, get_block()).substr(0, 12));
  CHECK(client.session.reading_head());
  CHECK_FALSE(client.session.idle());
}

TEST_CASE("h2: a session may be destroyed in any state") {
  Client client;
  client.feed(headers(1, get_block()) + headers(3, post_block(), kEndHeaders) + data(3, "body") +
              headers(5, get_block(), 0));
  client.begin_answer(kOne, kOpen);
  client.session.send_body(kOne, core::bytes_of(std::string(200000, 'a')));
  client.session.reset(kThree);
}

TEST_CASE("h2: an answer's head larger than HTTP/2 can carry resets the stream") {
  Client client;
  client.feed(headers(1, get_block()));
  ResponseHead head;
  head.status = 200;
  head.fields.add("x", std::string(300000, 'a'));
  client.session.respond(kOne, head);
  client.session.finish(kOne, nullptr);
  client.flush();
  CHECK(client.sent() == Lines{"RST_STREAM 1 INTERNAL_ERROR"});
  CHECK(client.take().back() == "closed 1 broken");
}

// --- tunnels (RFC 8441) ------------------------------------------------------------------------

namespace {

std::string connect_block(FieldPairs more = {}, std::string_view protocol = "websocket") {
  return block({{":method", "CONNECT"},
                {":protocol", protocol},
                {":scheme", "https"},
                {":authority", "a"},
                {":path", "/ws"}}) +
         block(more);
}

struct Tunnel : Client {
  Tunnel() {
    feed(headers(1, connect_block({{"sec-websocket-version", "13"}}), kEndHeaders));
    begin_answer(kOne, kOpen, 101);
    flush();
    take();
    sent();
  }
};

} // namespace

TEST_CASE("h2: extended CONNECT is offered, and is a handshake (RFC 8441 3, 4)") {
  MessageLimits limits;
  core::ChunkPool pool;
  StringSink sink;
  RecordingClient events;
  H2ClientSession session(sink, events, limits, pool);
  session.flush(kNow);
  CHECK(sink.written.contains(number(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 2) + number(1, 4)));

  Client client;
  client.feed(headers(1,
                      connect_block({{"sec-websocket-version", "13"},
                                     {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}}),
                      kEndHeaders));
  CHECK(client.take() == Lines{"request 1 GET /ws at a sec-websocket-version=13 body none"});
  CHECK(client.events.latest_head->upgrade == "websocket");
  client.begin_answer(kOne, kOpen, 101);
  client.flush();
  CHECK(client.sent() == Lines{"HEADERS 1 :status=200"});
}

TEST_CASE("h2: a CONNECT for anything else is refused") {
  check_answered(connect_block({}, "connect-udp"), 501);
  check_answered(connect_block(), 400); // ends before it has begun
  check_reset(block({{":method", "GET"},
                     {":protocol", "websocket"},
                     {":scheme", "https"},
                     {":authority", "a"},
                     {":path", "/ws"}}));
}

TEST_CASE("h2: in a tunnel all bytes cross, and each direction ends by itself") {
  const bool client_first = GENERATE(true, false);
  Tunnel tunnel;
  tunnel.feed(data(1, "up"));
  tunnel.session.send_body(kOne, core::bytes_of("down"));
  tunnel.flush();
  CHECK(tunnel.take() == Lines{"body 1 up"});
  CHECK(tunnel.sent() == Lines{"DATA 1 down"});
  if (client_first) {
    tunnel.feed(data(1, "", true));
    CHECK(tunnel.take() == Lines{"end 1"});
    tunnel.session.finish(kOne, nullptr);
    tunnel.flush();
    CHECK(tunnel.sent() == Lines{"DATA 1 END"});
    CHECK(tunnel.take() == Lines{"closed 1"});
  } else {
    tunnel.session.finish(kOne, nullptr);
    tunnel.flush();
    CHECK(tunnel.sent() == Lines{"DATA 1 END"});
    CHECK(tunnel.take().empty());
    tunnel.feed(data(1, "late"));
    tunnel.feed(data(1, "", true));
    CHECK(tunnel.take() == Lines{"body 1 late", "end 1", "closed 1"});
  }
}

TEST_CASE("h2: a tunnel has no limit of bytes, and no more than a window waits") {
  MessageLimits limits;
  limits.body_bytes = 10;
  Client client(limits);
  client.feed(headers(1, connect_block({{"sec-websocket-version", "13"}}), kEndHeaders));
  client.begin_answer(kOne, kOpen, 101);
  for (std::size_t sent = 0; sent < kStreamWindow; sent += 8192)
    client.feed(data(1, std::string(8192, 'x')));
  CHECK(client.events.body_bytes == kStreamWindow);
  CHECK(client.sent() == Lines{"HEADERS 1 :status=200"}); // no WINDOW_UPDATE
  client.session.consumed(kOne, kStreamWindow);
  client.flush();
  CHECK(client.sent().front().starts_with("WINDOW_UPDATE"));
}

TEST_CASE("h2: a handshake that was refused with an answer leaves no stream behind") {
  Client client;
  client.feed(headers(1, connect_block({{"sec-websocket-version", "13"}}), kEndHeaders));
  client.answer(kOne, "no", 403);
  client.flush();
  CHECK(client.sent() ==
        Lines{"HEADERS 1 :status=403 content-length=2", "DATA 1 no END", "RST_STREAM 1 NO_ERROR"});
  CHECK(client.take().back() == "closed 1");
}

TEST_CASE("h2: a tunnel that breaks off on one side breaks off on the other") {
  Tunnel gone;
  gone.feed(rst_stream(1));
  CHECK(gone.take() == Lines{"closed 1 broken"});
  Tunnel reset;
  reset.session.reset(kOne);
  reset.flush();
  CHECK(reset.sent() == Lines{"RST_STREAM 1 INTERNAL_ERROR"});
  CHECK(reset.take() == Lines{"closed 1 broken"});
}

} // namespace rproxyd::test
