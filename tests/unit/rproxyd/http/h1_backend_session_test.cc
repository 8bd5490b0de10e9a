#include "rproxyd/http/h1_backend_session.h"

#include <catch2/catch_test_macros.hpp>
#include <memory>

#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

using namespace std::literals;

struct Backend {
  StringSink sink;
  RecordingBackend events;
  MessageLimits limits;
  H1BackendSession session{sink, events, limits};
  RequestHead head;

  Backend() {
    head.method = "GET";
    head.target = "/p?q";
    head.authority = "example.com";
  }
  void get(std::string_view method = "GET") {
    head.method = method;
    session.send_request(head);
    session.finish(nullptr);
  }
  void feed(std::string_view bytes) { session.feed(core::bytes_of(bytes)); }
  Lines take() { return std::exchange(events.lines, {}); }
};

Lines answer_to(std::string_view method, std::string_view bytes, bool* reusable = nullptr) {
  Backend backend;
  backend.get(method);
  backend.feed(bytes);
  if (reusable != nullptr) *reusable = backend.session.reusable();
  return backend.take();
}

} // namespace

TEST_CASE("a request without a body goes out with Host first (RFC 9112 3.2)") {
  Backend backend;
  backend.head.fields.add("accept", "*/*");
  backend.head.fields.add("te", "trailers");
  backend.get();
  CHECK(backend.sink.written ==
        "GET /p?q HTTP/1.1\r\nhost: example.com\r\naccept: */*\r\nte: trailers\r\nconnection: "
        "te\r\n\r\n");
}

TEST_CASE("a request's body goes out with its length, or chunked with its trailers") {
  Backend backend;
  backend.head.method = "POST";
  backend.head.body = {BodySize::Kind::length, 5};
  backend.head.expect_continue = true;
  backend.session.send_request(backend.head);
  backend.session.send_body(core::bytes_of("hel"));
  backend.session.send_body(core::bytes_of("lo"));
  backend.session.finish(nullptr);
  CHECK(backend.sink.written ==
        "POST /p?q HTTP/1.1\r\nhost: example.com\r\nexpect: 100-continue\r\ncontent-length: "
        "5\r\n\r\nhello");

  Backend other;
  other.head.body.kind = BodySize::Kind::open;
  other.session.send_request(other.head);
  other.session.send_body(core::bytes_of("hello, hello, hello"));
  other.session.send_body({});
  FieldList trailers;
  trailers.add("x-sum", "1");
  trailers.add("content-length", "5");
  other.session.finish(&trailers);
  CHECK(other.sink.written ==
        "GET /p?q HTTP/1.1\r\nhost: example.com\r\ntransfer-encoding: chunked\r\n\r\n"
        "13\r\nhello, hello, hello\r\n0\r\nx-sum: 1\r\n\r\n");
}

TEST_CASE("rule 5: a request body that is not as long as announced ends the connection's life") {
  for (const auto& body : {"hell"sv, "hello!"sv}) {
    Backend backend;
    backend.head.body = {BodySize::Kind::length, 5};
    backend.session.send_request(backend.head);
    backend.session.send_body(core::bytes_of(body));
    backend.session.finish(nullptr);
    CHECK(backend.sink.written.find('!') == std::string::npos);
    backend.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK_FALSE(backend.session.reusable());
  }
}

TEST_CASE("an answer is given the same in pieces of any size") {
  for (
      const auto& answer :
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"s,
       "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n"s,
       "HTTP/1.1 204 No Content\r\n\r\n"s,
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"s}) {
    const Lines whole = answer_to("GET", answer);
    Backend by_byte;
    by_byte.get();
    for (const char c : answer) by_byte.feed({&c, 1});
    CHECK(by_byte.take() == whole);
    for (std::size_t cut = 1; cut < answer.size(); ++cut) {
      Backend backend;
      backend.get();
      backend.feed(answer.substr(0, cut));
      backend.feed(answer.substr(cut));
      INFO("cut at " << cut);
      CHECK(backend.take() == whole);
    }
  }
}

TEST_CASE("answers end as RFC 9112 6.3 says, and only framed ones leave the connection reusable") {
  bool reusable = false;
  CHECK(answer_to("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", &reusable) ==
        Lines{"response 200 x=y body 5", "body hello", "end"});
  CHECK(reusable);
  CHECK(answer_to("GET",
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: "
                  "b\r\nHost: x\r\n\r\n",
                  &reusable) == Lines{"response 200 body open", "body hello", "end a=b"});
  CHECK(reusable);
  CHECK(answer_to("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &reusable) ==
        Lines{"response 200 body 0 end"});
  CHECK(reusable);
  CHECK(answer_to("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", &reusable) ==
        Lines{"response 204 body none end"});
  CHECK(reusable);
  CHECK(answer_to("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", &reusable) ==
        Lines{"response 304 body 5 end"});
  CHECK(reusable);
  CHECK(answer_to("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", &reusable) ==
        Lines{"response 200 body 5 end"});
  CHECK(reusable);
  CHECK(answer_to("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &reusable) ==
        Lines{"response 200 body none end"});
  CHECK(reusable);
  CHECK(answer_to("HEAD", "HTTP/1.1 200 OK\r\n\r\n", &reusable) ==
        Lines{"response 200 body none end"});
  CHECK(reusable);
  CHECK(answer_to("GET", "HTTP/1.1 200 OK\r\n\r\nhello", &reusable) ==
        Lines{"response 200 body open", "body hello"});
  CHECK_FALSE(reusable);
}

TEST_CASE("the connection's end ends an unframed answer, and cuts a framed one short (rule 19)") {
  Backend open;
  open.get();
  open.feed("HTTP/1.0 200 OK\r\n\r\nhello");
  open.session.feed_end();
  CHECK(open.take() == Lines{"response 200 body open", "body hello", "end"});
  CHECK_FALSE(open.session.reusable());

  for (const auto& part :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"sv,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n"sv}) {
    Backend framed;
    framed.get();
    framed.feed(part);
    framed.session.feed_end();
    CHECK(framed.take().back() == "failure closed_in_answer");
    CHECK_FALSE(framed.session.reusable());
  }
}

TEST_CASE("rule 18: an end before the first byte of the answer is told apart from a later one") {
  Backend none;
  none.get();
  none.session.feed_end();
  CHECK(none.take() == Lines{"failure closed_before_answer"});

  Backend some;
  some.get();
  some.feed("HTT");
  some.session.feed_end();
  CHECK(some.take() == Lines{"failure closed_in_answer"});

  Backend informed;
  informed.get();
  informed.feed("HTTP/1.1 100 Continue\r\n\r\n");
  informed.session.feed_end();
  CHECK(informed.take() == Lines{"information 100", "failure closed_in_answer"});
}

TEST_CASE("an idle connection's end is no failure, but no request may follow") {
  Backend backend;
  backend.get();
  backend.feed("HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(backend.session.reusable());
  backend.session.feed_end();
  CHECK_FALSE(backend.session.reusable());
  CHECK(backend.take() == Lines{"response 204 body none end"});
}

TEST_CASE("rule 5: bytes left over after an answer kill the connection, not the answer") {
  for (const auto& answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!"sv,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n!"sv}) {
    bool reusable = true;
    CHECK(answer_to("GET", answer, &reusable).back() == "end");
    CHECK_FALSE(reusable);
  }
  for (const auto& answer : {"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi"sv,
                             "HTTP/1.1 304 Not Modified\r\n\r\n\r\n"sv}) {
    bool reusable = true;
    CHECK(answer_to("GET", answer, &reusable).size() == 1);
    CHECK_FALSE(reusable);
  }
  bool reusable = true;
  CHECK(answer_to("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", &reusable).size() == 1);
  CHECK_FALSE(reusable);
}

TEST_CASE("rule 5: bytes that no request had asked for are a failure") {
  Backend fresh;
  fresh.feed("HTTP/1.1 200 OK\r\n");
  CHECK(fresh.take() == Lines{"failure malformed"});
  CHECK_FALSE(fresh.session.reusable());

  Backend idle;
  idle.get();
  idle.feed("HTTP/1.1 204 No Content\r\n\r\n");
  idle.feed("HTTP/1.1 408 Request Timeout\r\n\r\n");
  CHECK(idle.take() == Lines{"response 204 body none end", "failure malformed"});
  CHECK_FALSE(idle.session.reusable());
}

TEST_CASE("the connection is kept or not as the backend says (RFC 9112 9.3)") {
  bool reusable = true;
  answer_to("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", &reusable);
  CHECK_FALSE(reusable);
  answer_to("GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", &reusable);
  CHECK_FALSE(reusable);
  answer_to("GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
            &reusable);
  CHECK(reusable);
}

TEST_CASE("an answer before the request's end leaves the connection unusable until the end") {
  Backend backend;
  backend.head.body = {BodySize::Kind::length, 5};
  backend.session.send_request(backend.head);
  backend.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK_FALSE(backend.session.reusable());
  backend.session.send_body(core::bytes_of("hello"));
  backend.session.finish(nullptr);
  CHECK(backend.session.reusable());
}

TEST_CASE("a connection carries one request after another, each judged by its own method") {
  Backend backend;
  backend.get("HEAD");
  backend.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  REQUIRE(backend.session.reusable());
  backend.get("GET");
  backend.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(backend.session.reusable());
  CHECK(backend.take() ==
        Lines{"response 200 body 5 end", "response 200 body 5", "body hello", "end"});
}

TEST_CASE("rule 6: fields that are for this connection alone don't reach the client") {
  CHECK(answer_to("GET",
                  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive, "
                  "X-Hop\r\nKeep-Alive: timeout=5\r\n"
                  "X-Hop: 1\r\nUpgrade: h2c\r\nTrailer: a\r\nTE: trailers\r\nSet-Cookie: "
                  "a\r\nSet-Cookie: b\r\n\r\n") ==
        Lines{"response 200 set-cookie=a set-cookie=b body 0 end"});
}

TEST_CASE("rule 7: an upgrade that was not asked for is a failure") {
  CHECK(answer_to("GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n") ==
        Lines{"failure malformed"});
}

TEST_CASE("an informational answer has no body, and there are not many of them") {
  CHECK(answer_to("GET", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello") ==
        Lines{"failure malformed"});
  std::string many;
  for (unsigned i = 0; i <= H1BackendSession::kInformationLimit; ++i)
    many += "HTTP/1.1 102 Processing\r\n\r\n";
  const Lines lines = answer_to("GET", many);
  CHECK(lines.size() == H1BackendSession::kInformationLimit + 1);
  CHECK(lines.back() == "failure malformed");
}

TEST_CASE("an answer's head over the limit fails as too large") {
  Backend backend;
  backend.get();
  backend.feed("HTTP/1.1 200 OK\r\nX: " + std::string(backend.limits.header_bytes, 'a') +
               "\r\n\r\n");
  CHECK(backend.take() == Lines{"failure too_large"});
}

TEST_CASE("after a failure nothing more is raised") {
  Backend backend;
  backend.get();
  backend.feed("nonsense");
  backend.feed("HTTP/1.1 200 OK\r\n\r\n");
  backend.session.feed_end();
  CHECK(backend.take() == Lines{"failure malformed"});
}

// --- tunnels (RFC 6455, proxy rule 7) ----------------------------------------------------------

namespace {

constexpr auto kAccepted =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"sv;

struct Handshake : Backend {
  Handshake() {
    head.upgrade = "websocket";
    head.fields.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    session.send_request(head);
  }
};

} // namespace

TEST_CASE("a handshake goes out as an upgrade to websocket") {
  Handshake handshake;
  CHECK(handshake.sink.written ==
        "GET /p?q HTTP/1.1\r\nhost: example.com\r\n"
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "upgrade: websocket\r\nconnection: upgrade\r\n\r\n");
}

TEST_CASE("an accepted handshake makes a tunnel: bytes both ways, and an end each") {
  Handshake handshake;
  handshake.feed(std::string(kAccepted) + "HTTP/1.1 ");
  CHECK(handshake.take() ==
        Lines{"response 101 sec-websocket-protocol=chat body open", "body HTTP/1.1 "});
  CHECK(handshake.session.tunnels());
  handshake.sink.written.clear();
  handshake.session.send_body(core::bytes_of("GET "));
  CHECK(handshake.sink.written == "GET ");
  handshake.session.finish(nullptr);
  CHECK(handshake.sink.ended);
  CHECK(handshake.sink.written == "GET ");
  handshake.feed("more");
  handshake.session.feed_end();
  CHECK(handshake.take() == Lines{"body more", "end"});
  CHECK_FALSE(handshake.session.reusable());
}

TEST_CASE("what doesn't prove that the handshake was understood is no tunnel") {
  for (const std::string_view answer : {
           "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
           "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
           "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
           "HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
           "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
           "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 0\r\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
       }) {
    CAPTURE(answer);
    Handshake handshake;
    handshake.feed(answer);
    CHECK(handshake.take() == Lines{"failure malformed"});
    CHECK_FALSE(handshake.session.tunnels());
  }
}

TEST_CASE("any other answer to a handshake is an answer, and the connection goes on") {
  for (const std::string_view status : {"200 OK", "403 Forbidden", "426 Upgrade Required"}) {
    Handshake handshake;
    handshake.feed("HTTP/1.1 " + std::string(status) +
                   "\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nno");
    CHECK(handshake.take().back() == "end");
    CHECK_FALSE(handshake.session.tunnels());
    CHECK(handshake.session.reusable());
    handshake.head.upgrade.clear();
    handshake.get();
    handshake.feed(kAccepted); // asked for by the request before, not by this one
    CHECK(handshake.take() == Lines{"failure malformed"});
  }
}

} // namespace rproxyd::test
