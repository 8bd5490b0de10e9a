#include "turnd/shell/backlog.h"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

namespace {

using Kind = turnd::Backlog::Kind;
using std::chrono::milliseconds;

constexpr core::TimePoint kStart{std::chrono::hours(1)};

struct Waiting {
  core::ChunkPool pool;
  std::uint64_t dropped = 0;
  turnd::Backlog backlog{pool, dropped};

  bool add(std::string_view text, Kind kind, core::TimePoint now = kStart) {
    return backlog.add(core::bytes_of(text), kind, now);
  }
  // What is written when the stream takes `bytes` before it has enough.
  std::string take(std::size_t bytes, core::TimePoint now = kStart) {
    std::string taken;
    backlog.take(now, [&](core::Bytes piece) {
      taken += core::text_of(piece);
      return taken.size() < bytes;
    });
    return taken;
  }
};

TEST_CASE("what waits leaves in order, frame by frame, until the stream has enough") {
  Waiting waiting;
  CHECK(waiting.add("one", Kind::data));
  CHECK(waiting.add("two", Kind::answer));
  CHECK(waiting.add("three", Kind::data));
  CHECK(waiting.backlog.size() == 11);
  CHECK(waiting.take(1) == "one");
  CHECK(waiting.take(100) == "twothree");
  CHECK(waiting.backlog.empty());
  CHECK(waiting.dropped == 0);
  CHECK(waiting.pool.in_use() == 0);
}

TEST_CASE("frames longer than a chunk stay whole") {
  Waiting waiting;
  const std::string frame(core::ChunkPool::kChunkBytes * 3, 'x');
  CHECK(waiting.add("a", Kind::data));
  CHECK(waiting.add(frame, Kind::data));
  CHECK(waiting.take(1) == "a");
  CHECK(waiting.take(1) == frame);
}

TEST_CASE("rule 37: data that waited too long is dropped, answers never are") {
  Waiting waiting;
  CHECK(waiting.add("answer", Kind::answer));
  CHECK(waiting.add("old", Kind::data));
  CHECK(waiting.add("young", Kind::data, kStart + milliseconds(600)));
  const auto later = kStart + turnd::Backlog::kMaxAge + milliseconds(1);
  CHECK(waiting.take(100, later) == "answeryoung");
  CHECK(waiting.dropped == 1);
}

TEST_CASE("rule 37: data exactly as old as is allowed still goes") {
  Waiting waiting;
  CHECK(waiting.add("old", Kind::data));
  CHECK(waiting.take(100, kStart + turnd::Backlog::kMaxAge) == "old");
}

TEST_CASE("rule 37: above the limit the oldest data gives way, and a key frame's burst fits") {
  Waiting waiting;
  const std::string kilobyte(1024, 'x');
  for (int i = 0; i < 1024; ++i) CHECK(waiting.add(kilobyte, Kind::data));
  CHECK(waiting.backlog.size() == turnd::Backlog::kMaxBytes);
  CHECK(waiting.dropped == 0);
  CHECK(waiting.add("new", Kind::data));
  CHECK(waiting.dropped == 1);
  CHECK(waiting.backlog.size() == turnd::Backlog::kMaxBytes - 1024 + 3);
  CHECK(waiting.take(turnd::Backlog::kMaxBytes).ends_with("new"));
}

TEST_CASE("data behind an answer that can't give way is itself dropped at the limit") {
  Waiting waiting;
  CHECK(waiting.add("answer", Kind::answer));
  CHECK(waiting.add(std::string(turnd::Backlog::kMaxBytes - 6, 'x'), Kind::data));
  CHECK(waiting.add("y", Kind::data));
  CHECK(waiting.backlog.size() == turnd::Backlog::kMaxBytes);
  CHECK(waiting.dropped == 1);
}

TEST_CASE("a client that reads no answers is told apart from a slow one") {
  Waiting waiting;
  const std::string half(turnd::Backlog::kMaxAnswerBytes / 2, 'a');
  CHECK(waiting.add(half, Kind::answer));
  CHECK(waiting.add(half, Kind::answer));
  CHECK_FALSE(waiting.add("a", Kind::answer));
  CHECK(waiting.take(1) == half);
  CHECK(waiting.add(half, Kind::answer));
}

} // namespace
