// A client of an H2ClientSession, and what it says and sees as text.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "rproxyd/http/h2_client_session.h"
#include "tests/unit/rproxyd/http/h2_wire.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {

inline constexpr auto kRequestOfGet = "request 1 GET /p at a body none end";

inline constexpr std::size_t kStreamWindow = H2ClientSession::kStreamWindow;
inline constexpr int kFramesOfWindow = kStreamWindow / 16384;

// A connection whose preface and settings have been exchanged.
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

inline constexpr BodySize kOpen{BodySize::Kind::open, 0};
inline constexpr StreamId kOne{1};
inline constexpr StreamId kThree{3};

// What a request gives rise to on a new connection: events, then frames.
inline std::pair<Lines, Lines> request(std::string_view block, MessageLimits limits = {}) {
  Client client(limits);
  client.feed(headers(1, block));
  return {client.take(), client.sent()};
}

// Refused by nghttp2: the stream is reset, and nothing of it reaches the application.
inline void check_reset(std::string_view block) {
  CAPTURE(block);
  const auto [events, frames] = request(block);
  CHECK(frames == Lines{"RST_STREAM 1 PROTOCOL_ERROR"});
  for (const auto& line : events) CHECK(line.starts_with("refused"));
}

inline void check_answered(std::string_view block, int status, MessageLimits limits = {}) {
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

} // namespace rproxyd::test
