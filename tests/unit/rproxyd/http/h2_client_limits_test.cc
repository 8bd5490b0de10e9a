// How much a client of HTTP/2 may ask for at once, and floods (proxy rule 9).
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "rproxyd/http/h1_parser.h"
#include "tests/unit/rproxyd/http/h2_client.h"

namespace rproxyd::test {

using namespace std::literals;

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

} // namespace rproxyd::test
