#include "rproxyd/http/h2_client_session.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "rproxyd/http/h1_parser.h"
#include "tests/unit/rproxyd/http/h2_client.h"

namespace rproxyd::test {

using namespace std::literals;

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

} // namespace rproxyd::test
