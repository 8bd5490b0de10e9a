#include "rproxyd/http/h1_client_session.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

using namespace std::literals;

constexpr auto kGet = "GET /p HTTP/1.1\r\nHost: a\r\n\r\n"sv;
constexpr auto kRequestOfGet = "request 1 GET /p at a body none end";

struct Client {
  MessageLimits limits;
  StringSink sink;
  RecordingClient events;
  H1ClientSession session{sink, events, limits};

  void feed(std::string_view bytes) { session.feed(core::bytes_of(bytes), kNow); }
  void flush() { session.flush(kNow); }
  Lines take() { return std::exchange(events.lines, {}); }
  std::string sent() { return std::exchange(sink.written, {}); }

  // An answer of this body, in one go.
  void answer(StreamId stream, std::string_view body, std::uint16_t status = 200) {
    ResponseHead head;
    head.status = status;
    head.body = {BodySize::Kind::length, body.size()};
    session.respond(stream, head);
    session.send_body(stream, core::bytes_of(body));
    session.finish(stream, nullptr);
  }
  void answer_at_once() {
    events.when_requested = [this](StreamId stream, RequestHead& head) {
      answer(stream, head.target);
    };
  }
  void begin_answer(BodySize body, std::uint16_t status = 200) {
    ResponseHead head;
    head.status = status;
    head.fields.add("x", "y");
    head.body = body;
    session.respond(events.latest, head);
  }
};

constexpr BodySize kOpen{BodySize::Kind::open, 0};
constexpr BodySize length(std::uint64_t size) { return {BodySize::Kind::length, size}; }

} // namespace

TEST_CASE("a request is answered, and the next one read") {
  Client client;
  client.feed(kGet);
  CHECK(client.take() == Lines{kRequestOfGet});
  CHECK_FALSE(client.session.idle());
  client.answer(client.events.latest, "hi");
  CHECK(client.take().empty()); // nothing is raised from inside a call
  client.flush();
  CHECK(client.take() == Lines{"closed 1"});
  CHECK(client.sent() == "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
  CHECK(client.session.idle());
  client.feed(kGet);
  CHECK(client.take() == Lines{"request 2 GET /p at a body none end"});
}

TEST_CASE("a connection's requests are read the same in pieces of any size") {
  const auto input =
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: b\r\nContent-Length: "
      "3\r\n\r\nabc\r\n"
      "POST /3 HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\nT: 1\r\n\r\nGET /4 HTTP/1.0\r\nHost: d\r\n\r\n"s;
  const auto run = [&](std::vector<std::size_t> cuts) {
    Client client;
    client.events.when_body = [&](StreamId stream, core::Bytes bytes) {
      client.session.consumed(stream, bytes.size());
    };
    client.events.when_requested = [&](StreamId stream, RequestHead& head) {
      if (head.body.kind == BodySize::Kind::none) client.answer(stream, head.target);
    };
    client.events.when_ended = [&](StreamId stream) { client.answer(stream, "ended"); };
    std::size_t from = 0;
    cuts.push_back(input.size());
    for (const auto to : cuts) {
      client.feed(input.substr(from, to - from));
      from = to;
    }
    CHECK(client.session.finished());
    Lines lines = client.take();
    lines.push_back(client.sent());
    return lines;
  };
  const Lines whole = run({});
  CHECK(Lines(whole.begin(), whole.end() - 1) ==
        Lines{"request 1 GET /1 at a body none end", "closed 1", "request 2 POST /2 at b body 3",
              "body 2 abc", "end 2", "closed 2", "request 3 POST /3 at c body open", "body 3 def",
              "end 3 t=1", "closed 3", "request 4 GET /4 at d body none end", "closed 4"});
  std::vector<std::size_t> every;
  for (std::size_t cut = 1; cut < input.size(); ++cut) {
    INFO("cut at " << cut);
    CHECK(run({cut}) == whole);
    every.push_back(cut);
  }
  CHECK(run(every) == whole);
}

TEST_CASE("requests sent ahead wait for their turn, and no more than a few are taken") {
  Client client;
  client.feed(std::string(kGet) + std::string(kGet));
  CHECK(client.take() == Lines{kRequestOfGet});
  CHECK(client.session.wants_input()); // so that the client's end is noticed
  client.feed(std::string(H1ClientSession::kPipelineBytes, 'x'));
  CHECK_FALSE(client.session.wants_input());
  client.answer(client.events.latest, "");
  client.flush();
  CHECK(client.take() == Lines{"closed 1", "request 2 GET /p at a body none end"});
}

TEST_CASE("requests sent ahead are not answered faster than the client reads") {
  Client client;
  client.answer_at_once();
  client.sink.blocked = true;
  std::string input;
  for (int i = 0; i < 20; ++i)
    input += "GET /" + std::string(20000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  client.feed(input);
  CHECK(client.sink.written.size() < kAnswerHighWater + 40000);
  CHECK_FALSE(client.session.wants_input());
  CHECK_FALSE(client.session.idle());
  const auto first = client.sent().size();
  client.flush();
  CHECK_FALSE(client.sink.written.empty());
  while (!client.sink.written.empty()) {
    client.sink.written.clear();
    client.flush();
  }
  CHECK(first > 0);
  CHECK(client.session.idle());
  CHECK(std::to_underlying(client.events.latest) == 20);
}

TEST_CASE("HEAD, 204 and 304 are answered without a body (RFC 9112 6.3)") {
  Client head;
  head.feed("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  head.answer(head.events.latest, "hello");
  CHECK(head.sent() == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  head.flush();
  CHECK_FALSE(head.session.finished());

  Client none;
  none.feed(kGet);
  none.begin_answer({}, 204);
  none.session.finish(none.events.latest, nullptr);
  CHECK(none.sent() == "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n");

  Client unmodified;
  unmodified.feed(kGet);
  unmodified.begin_answer(length(5), 304);
  unmodified.session.finish(unmodified.events.latest, nullptr);
  CHECK(unmodified.sent() == "HTTP/1.1 304 Not Modified\r\nx: y\r\ncontent-length: 5\r\n\r\n");
  unmodified.flush();
  CHECK_FALSE(unmodified.session.finished());
}

TEST_CASE("an application may change the head of a request without changing how it is answered") {
  Client client;
  client.feed("HEAD / HTTP/1.0\r\nHost: a\r\n\r\n");
  client.events.latest_head->clear();
  client.answer(client.events.latest, "hello");
  client.flush();
  CHECK(client.sent() == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n");
  CHECK(client.session.finished());
}

TEST_CASE("an answer without a body tells so by its length") {
  Client client;
  client.feed(kGet);
  client.begin_answer({});
  client.session.finish(client.events.latest, nullptr);
  CHECK(client.sent() == "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 0\r\n\r\n");
}

TEST_CASE(
    "an open body is chunked for HTTP/1.1, with trailers if the client takes them (RFC 9110 "
    "6.5.1)") {
  for (const bool takes : {false, true}) {
    Client client;
    client.feed(takes ? "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n"sv
                      : kGet);
    client.begin_answer(kOpen);
    client.session.send_body(client.events.latest, core::bytes_of("hello"));
    client.session.send_body(client.events.latest, {});
    FieldList trailers;
    trailers.add("x-sum", "1");
    client.session.finish(client.events.latest, &trailers);
    CHECK(client.sent() ==
          "HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"s +
              (takes ? "x-sum: 1\r\n\r\n" : "\r\n"));
  }
}

TEST_CASE("an open body ends with the connection for HTTP/1.0, which must end cleanly") {
  Client client;
  client.feed("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  client.begin_answer(kOpen);
  client.session.send_body(client.events.latest, core::bytes_of("hello"));
  client.session.finish(client.events.latest, nullptr);
  client.flush();
  CHECK(client.sent() == "HTTP/1.1 200 OK\r\nx: y\r\nconnection: close\r\n\r\nhello");
  CHECK(client.session.finished());
  CHECK_FALSE(client.session.broken());
}

TEST_CASE("connections are kept as the client wants (RFC 9112 9.3)") {
  struct Case {
    std::string_view request, field;
    bool kept;
  };
  for (const auto& [request, field, kept] :
       {Case{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", true},
        Case{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "connection: close\r\n",
             false},
        Case{"GET / HTTP/1.0\r\nHost: a\r\n\r\n", "connection: close\r\n", false},
        Case{"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
             "connection: keep-alive\r\n", true}}) {
    Client client;
    client.feed(request);
    client.answer(client.events.latest, "hi");
    client.flush();
    CHECK(client.sent() == fmt::format("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{}\r\nhi", field));
    CHECK(client.session.finished() == !kept);
    CHECK_FALSE(client.session.broken());
  }
}

TEST_CASE("a draining connection closes after the answer, at once when idle") {
  Client busy;
  busy.feed(kGet);
  busy.session.drain();
  CHECK_FALSE(busy.session.finished());
  busy.answer(busy.events.latest, "hi");
  busy.flush();
  CHECK(busy.sent() == "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
  CHECK(busy.session.finished());

  Client idle;
  idle.session.drain();
  CHECK(idle.session.finished());

  Client in_head;
  in_head.feed("GET / HT");
  CHECK(in_head.session.reading_head());
  in_head.session.drain();
  CHECK_FALSE(in_head.session.finished());
}

TEST_CASE(
    "a connection that drains gently closes with an answer that says so, whenever that is (RFC "
    "9112 9.6)") {
  const std::string closing = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
  Client idle;
  idle.session.drain_gently();
  idle.flush();
  CHECK_FALSE(idle.session.finished());
  idle.feed(kGet);
  idle.answer(idle.events.latest, "hi");
  idle.flush();
  CHECK(idle.sent() == closing);
  CHECK(idle.session.finished());

  Client busy;
  busy.feed(kGet);
  busy.session.drain_gently();
  busy.answer(busy.events.latest, "hi");
  busy.flush();
  CHECK(busy.sent() == closing);
  CHECK(busy.session.finished());

  Client answered; // whose next request may be on its way
  answered.feed(kGet);
  answered.begin_answer({BodySize::Kind::length, 2});
  answered.session.drain_gently();
  answered.session.send_body(answered.events.latest, core::bytes_of("hi"));
  answered.session.finish(answered.events.latest, nullptr);
  answered.flush();
  CHECK(answered.sent() == "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2\r\n\r\nhi");
  CHECK_FALSE(answered.session.finished());
  answered.feed(kGet);
  answered.answer(answered.events.latest, "hi");
  answered.flush();
  CHECK(answered.sent() == closing);
  CHECK(answered.session.finished());
}

TEST_CASE("100 Continue is sent when asked for and not otherwise (RFC 9110 10.1.1)") {
  Client client;
  client.feed("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.events.latest_head->expect_continue);
  client.events.latest_head->expect_continue = false; // so that it does not reach the backend
  client.session.send_continue(client.events.latest);
  client.session.send_continue(client.events.latest);
  CHECK(client.sent() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.feed("hi");
  client.answer(client.events.latest, "");
  client.flush();
  CHECK_FALSE(client.session.finished());

  Client other;
  other.feed(kGet);
  other.session.send_continue(other.events.latest);
  CHECK(other.sent().empty());
}

TEST_CASE(
    "a final answer to a client that waits for 100 ends the connection: its body may never come") {
  Client client;
  client.feed("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  client.events.latest_head->expect_continue = false;
  client.answer(client.events.latest, "no", 403);
  CHECK(client.sent() ==
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
  client.flush();
  CHECK(client.take().back() == "closed 1");
  CHECK(client.session.finished());
}

TEST_CASE("informational answers are passed on to HTTP/1.1 alone (RFC 9110 15.2)") {
  ResponseHead hints;
  hints.status = 103;
  hints.fields.add("link", "</a>");
  Client client;
  client.feed(kGet);
  client.session.inform(client.events.latest, hints);
  CHECK(client.sent() == "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
  Client old;
  old.feed("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  old.session.inform(old.events.latest, hints);
  CHECK(old.sent().empty());
}

TEST_CASE("rule 5: an answer that is not as long as announced breaks the connection") {
  Client shorter;
  shorter.feed(kGet);
  shorter.begin_answer(length(5));
  shorter.session.send_body(shorter.events.latest, core::bytes_of("hell"));
  shorter.session.finish(shorter.events.latest, nullptr);
  shorter.flush();
  CHECK(shorter.session.finished());
  CHECK(shorter.session.broken());
  CHECK(shorter.take().back() == "closed 1 broken");

  Client longer;
  longer.feed(kGet);
  longer.begin_answer(length(5));
  longer.session.send_body(longer.events.latest, core::bytes_of("hello!"));
  longer.flush();
  CHECK(longer.session.broken());
  CHECK(longer.sent().find('!') == std::string::npos);
}

TEST_CASE("rule 19: an answer that is broken off never looks complete") {
  for (const auto& body : {kOpen, length(51)}) {
    Client client;
    client.feed(kGet);
    client.begin_answer(body);
    client.session.send_body(client.events.latest, core::bytes_of("hello"));
    client.session.reset(client.events.latest);
    client.session.send_body(client.events.latest, core::bytes_of("more"));
    client.session.finish(client.events.latest, nullptr);
    client.flush();
    CHECK(client.sent().find("0\r\n\r\n") == std::string::npos);
    CHECK(client.session.finished());
    CHECK(client.session.broken());
    CHECK(client.take() == Lines{kRequestOfGet, "closed 1 broken"});
  }
}

TEST_CASE("rule 16: no more of a body is let in than its window, whatever comes at once") {
  Client client;
  const std::string body(3 * kRequestWindow, 'b');
  client.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body);
  CHECK(client.events.body_bytes == kRequestWindow);
  CHECK_FALSE(client.session.wants_input());
  client.session.consumed(client.events.latest, 1000);
  CHECK(client.events.body_bytes == kRequestWindow);
  client.flush();
  CHECK(client.events.body_bytes == kRequestWindow + 1000);
  client.session.consumed(client.events.latest, kRequestWindow);
  client.flush();
  client.session.consumed(client.events.latest, kRequestWindow);
  client.flush();
  CHECK(client.events.body_bytes == body.size());
  CHECK(client.take().back() == "end 1");
}

TEST_CASE("rule 16: a slow reader is noticed, and so is that it has caught up") {
  Client client;
  client.feed(kGet);
  client.begin_answer(kOpen);
  client.sink.blocked = true;
  client.session.send_body(client.events.latest,
                           core::bytes_of(std::string(kAnswerHighWater, 'a')));
  CHECK(client.session.queued(client.events.latest) >= kAnswerHighWater);
  client.flush();
  CHECK(client.take() == Lines{kRequestOfGet});
  client.sink.written.resize(kAnswerLowWater - 1);
  client.flush();
  client.flush();
  CHECK(client.take() == Lines{"drained 1"});
}

TEST_CASE("rule 17: no connection is idle before the rest of an answered request has come") {
  Client client;
  client.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  client.answer(client.events.latest, "early");
  client.flush();
  CHECK_FALSE(client.session.idle());
  client.feed("world");
  CHECK(client.session.idle());
}

TEST_CASE("an answer before the body's end: the rest is read over, and the connection goes on") {
  Client client;
  client.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  client.answer(client.events.latest, "early");
  client.flush();
  CHECK(client.take() == Lines{"request 1 POST / at a body 10", "body 1 hello", "closed 1"});
  client.feed(std::string("world") + std::string(kGet));
  CHECK(client.take() == Lines{"request 2 GET /p at a body none end"});
}

TEST_CASE("an answer before the end of a body that never ends: the connection is closed in time") {
  Client client;
  client.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  client.answer(client.events.latest, "early");
  client.flush();
  std::uint64_t fed = 0;
  const std::string more(10000, 'b');
  while (!client.session.finished() && fed < 10 * H1ClientSession::kDiscardBytes) {
    client.feed(more);
    fed += more.size();
  }
  CHECK(client.session.finished());
  CHECK_FALSE(client.session.broken());
  CHECK(fed >= H1ClientSession::kDiscardBytes);
  CHECK(fed <= H1ClientSession::kDiscardBytes + 2 * more.size());
}

TEST_CASE("a refused request is answered, told, and the last") {
  Client client;
  client.feed("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.take() == Lines{"refused GET / 400"});
  CHECK(client.sent() ==
        fmt::format(
            "HTTP/1.1 400 Bad Request\r\ndate: {}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            "cache-control: no-store\r\n"
            "content-length: 25\r\nconnection: close\r\n\r\n400 Bad Request: no Host\n",
            kDate));
  CHECK(client.session.finished());
  CHECK_FALSE(client.session.wants_input());
  client.feed(kGet);
  CHECK(client.take().empty());
}

TEST_CASE("a request that breaks a rule is refused with its own status") {
  struct Case {
    std::string_view request;
    int status;
  };
  const auto [request, status] =
      GENERATE(Case{"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405},
               Case{"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
               Case{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
               Case{"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
               Case{"GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
               Case{"GET http://x@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
               Case{"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
               Case{"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
               Case{"GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417},
               Case{"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
               Case{"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
               Case{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501});
  CAPTURE(request);
  Client client;
  client.feed(request);
  CHECK(client.events.refused_status == status);
  CHECK(client.sent().starts_with(fmt::format("HTTP/1.1 {} ", status)));
  CHECK(client.session.finished());
  CHECK(client.events.open == 0);
}

TEST_CASE("rule 4: an absolute-form target's authority replaces Host") {
  Client client;
  client.feed("GET http://b:81/q HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.take() == Lines{"request 1 GET /q at b:81 body none end"});
}

TEST_CASE("a body over the limit is refused, announced or not (RFC 9110 15.5.14)") {
  Client announced;
  announced.limits.body_bytes = 5;
  announced.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
  CHECK(announced.take() == Lines{"refused POST / 413"});

  Client at_the_limit;
  at_the_limit.limits.body_bytes = 5;
  at_the_limit.feed(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  CHECK(at_the_limit.take() == Lines{"request 1 POST / at a body open", "body 1 hello", "end 1"});

  Client chunked;
  chunked.limits.body_bytes = 5;
  chunked.feed(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n");
  CHECK(chunked.take() == Lines{"request 1 POST / at a body open", "body 1 hello",
                                "refused POST / 413", "closed 1 broken"});
  CHECK(chunked.sent().starts_with("HTTP/1.1 413 "));
  CHECK(chunked.session.finished());
}

TEST_CASE("a body that breaks the rules in mid-answer breaks the answer off") {
  Client client;
  client.feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  client.begin_answer(kOpen);
  client.sent();
  client.feed("nonsense\r\n");
  CHECK(client.sent().empty());
  CHECK(client.session.broken());
  CHECK(client.take() == Lines{"request 1 POST / at a body open", "body 1 hello",
                               "refused POST / 400", "closed 1 broken"});
}

TEST_CASE("a refusal waits for the answers before it") {
  Client client;
  client.feed(std::string(kGet) + "@\r\n\r\n");
  CHECK(client.sent().empty());
  client.answer(client.events.latest, "hi");
  client.flush();
  CHECK(client.take() == Lines{kRequestOfGet, "closed 1", "refused   400"});
  CHECK(client.sent().starts_with(
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhiHTTP/1.1 400 Bad Request\r\n"));
}

TEST_CASE("the answer to a refused HEAD has no body") {
  Client client;
  client.feed("HEAD / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n");
  CHECK(client.sent().ends_with("connection: close\r\n\r\n"));
}

TEST_CASE("the client's end breaks off what is in progress") {
  Client idle;
  idle.session.break_off();
  CHECK(idle.session.finished());
  CHECK(idle.take().empty());

  Client waiting;
  waiting.feed(kGet);
  waiting.session.break_off();
  CHECK(waiting.session.finished());
  CHECK(waiting.take() == Lines{kRequestOfGet, "closed 1 broken"});

  Client answered;
  answered.feed(kGet);
  answered.answer(answered.events.latest, "hi");
  answered.session.break_off();
  CHECK(answered.take() == Lines{kRequestOfGet, "closed 1"});
}

TEST_CASE("calls for a stream that has ended do nothing") {
  Client client;
  client.feed(kGet);
  const StreamId first = client.events.latest;
  client.answer(first, "hi");
  client.flush();
  client.feed(kGet);
  client.sent();
  client.answer(first, "again");
  client.session.reset(first);
  client.session.consumed(first, 5);
  CHECK(client.session.queued(first) == 0);
  CHECK(client.sent().empty());
  CHECK_FALSE(client.session.finished());
}

TEST_CASE("a head in progress is told from an idle connection") {
  Client client;
  CHECK(client.session.idle());
  CHECK_FALSE(client.session.reading_head());
  client.feed("\r\n");
  CHECK(client.session.idle());
  client.feed("G");
  CHECK_FALSE(client.session.idle());
  CHECK(client.session.reading_head());
}

TEST_CASE("an Upgrade counts in HTTP/1.1, when Connection names it (RFC 9110 7.8)") {
  const auto upgrade_of = [](std::string_view request) {
    Client client;
    client.feed(request);
    return client.events.latest_head->upgrade;
  };
  CHECK(upgrade_of(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n") ==
        "websocket");
  CHECK(upgrade_of("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").empty());
  CHECK(upgrade_of("GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            .empty());
  CHECK(upgrade_of(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n")
            .empty());
}

// --- tunnels (RFC 6455) ------------------------------------------------------------------------

namespace {

constexpr auto kHandshake =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"sv;

struct Tunnel : Client {
  explicit Tunnel(std::string_view behind_handshake = "") {
    feed(std::string(kHandshake) + std::string(behind_handshake));
    begin_answer(kOpen, 101);
    flush();
  }
  Lines since_handshake() {
    Lines lines = take();
    lines.erase(lines.begin());
    return lines;
  }
};

} // namespace

TEST_CASE("a handshake is a request that says what it would become") {
  Client client;
  client.feed(kHandshake);
  CHECK(client.take().front().ends_with("body none end"));
  CHECK(client.events.latest_head->upgrade == "websocket");

  Client h2c;
  h2c.feed("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n");
  CHECK(h2c.events.latest_head->upgrade.empty());
  Client unnamed; // RFC 9110 section 7.8: without the token in Connection it is nothing
  unnamed.feed("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n");
  CHECK(unnamed.events.latest_head->upgrade.empty());
  Client old;
  old.feed("GET / HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
  CHECK(old.events.latest_head->upgrade.empty());
}

TEST_CASE("an accepted handshake is answered with what proves it (RFC 6455 4.2.2)") {
  Tunnel tunnel;
  CHECK(tunnel.sent() ==
        "HTTP/1.1 101 Switching Protocols\r\nx: y\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST_CASE("in a tunnel all bytes cross as they are, both ways") {
  Tunnel tunnel;
  tunnel.sent();
  tunnel.feed("GET / HTTP/1.1\r\n\r\n");
  tunnel.session.send_body(tunnel.events.latest, core::bytes_of("HTTP/1.1 200 OK\r\n\r\n"));
  CHECK(tunnel.since_handshake() == Lines{"body 1 GET / HTTP/1.1\r\n\r\n"});
  CHECK(tunnel.sent() == "HTTP/1.1 200 OK\r\n\r\n");
  CHECK_FALSE(tunnel.session.idle());
  tunnel.session.drain();
  tunnel.flush();
  CHECK_FALSE(tunnel.session.finished()); // what is established goes on
}

TEST_CASE("what comes behind a handshake is the tunnel's once there is one, else a request") {
  Tunnel tunnel(kGet);
  CHECK(tunnel.since_handshake() == Lines{"body 1 " + std::string(kGet)});

  Client refused;
  refused.feed(std::string(kHandshake) + std::string(kGet));
  refused.answer(refused.events.latest, "no", 403);
  refused.flush();
  CHECK(refused.take().back() == "request 2 GET /p at a body none end");
}

TEST_CASE("a tunnel takes no more than a window ahead of the backend (rule 16)") {
  Tunnel tunnel;
  tunnel.feed(std::string(kRequestWindow + 10, 'x'));
  CHECK(tunnel.events.body_bytes == kRequestWindow);
  CHECK_FALSE(tunnel.session.wants_input());
  tunnel.session.consumed(tunnel.events.latest, kRequestWindow);
  tunnel.flush();
  CHECK(tunnel.events.body_bytes == kRequestWindow + 10);
  CHECK(tunnel.session.wants_input());
}

TEST_CASE("a tunnel's directions end one by one, and the connection with both") {
  const bool client_first = GENERATE(true, false);
  Tunnel tunnel;
  tunnel.take();
  const auto client_ends = [&] { CHECK(tunnel.session.feed_end()); };
  const auto backend_ends = [&] { tunnel.session.finish(tunnel.events.latest, nullptr); };
  if (client_first) {
    client_ends();
    CHECK(tunnel.take() == Lines{"end 1"});
    tunnel.session.send_body(tunnel.events.latest, core::bytes_of("late"));
    CHECK(tunnel.sent().ends_with("late"));
    backend_ends();
  } else {
    backend_ends();
    CHECK(tunnel.sink.ended);
    tunnel.flush();
    CHECK(tunnel.take().empty());
    tunnel.feed("late");
    CHECK(tunnel.take() == Lines{"body 1 late"});
    CHECK_FALSE(tunnel.session.finished());
    client_ends();
    CHECK(tunnel.take() == Lines{"end 1", "closed 1"});
  }
  tunnel.flush();
  CHECK(tunnel.sink.ended);
  CHECK(tunnel.session.finished());
  CHECK_FALSE(tunnel.session.broken());
}

TEST_CASE("the end of a tunnel comes behind the bytes that were held before it") {
  Tunnel tunnel;
  tunnel.take();
  tunnel.feed(std::string(kRequestWindow, 'x') + "last");
  CHECK(tunnel.session.feed_end());
  CHECK(tunnel.take().size() == 1);
  CHECK_FALSE(tunnel.session.wants_input());
  tunnel.session.consumed(tunnel.events.latest, kRequestWindow);
  tunnel.flush();
  CHECK(tunnel.take() == Lines{"body 1 last", "end 1"});
}

TEST_CASE("a tunnel that breaks off on one side breaks off on the other") {
  Tunnel gone;
  gone.take();
  gone.session.break_off();
  CHECK(gone.take() == Lines{"closed 1 broken"});

  Tunnel reset;
  reset.take();
  reset.session.reset(reset.events.latest);
  reset.flush();
  CHECK(reset.take() == Lines{"closed 1 broken"});
  CHECK(reset.session.broken());

  Tunnel half;
  half.take();
  half.session.finish(half.events.latest, nullptr);
  half.session.reset(half.events.latest);
  half.flush();
  CHECK(half.session.broken());
}

TEST_CASE("only a tunnel goes on behind the client's end") {
  Client client;
  client.feed(kHandshake); // asked for, not accepted
  CHECK_FALSE(client.session.feed_end());
}

} // namespace rproxyd::test
