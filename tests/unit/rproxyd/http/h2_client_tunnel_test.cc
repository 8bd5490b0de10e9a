// Tunnels over HTTP/2 (RFC 8441).
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "rproxyd/http/h1_parser.h"
#include "tests/unit/rproxyd/http/h2_client.h"

namespace rproxyd::test {

using namespace std::literals;

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
