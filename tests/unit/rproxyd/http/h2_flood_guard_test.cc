#include "rproxyd/http/h2_flood_guard.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/rproxyd/http/h2_wire.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

using namespace std::literals;

// Frames of one kind that a new guard lets by at one moment, and what it then says.
std::pair<int, std::string> let_by(const std::string& one) {
  H2FloodGuard guard;
  guard.look_at(core::bytes_of(kPreface), kNow.steady);
  for (int count = 0; count < 100000; ++count) {
    if (const auto flood = guard.look_at(core::bytes_of(one), kNow.steady))
      return {count, std::string(*flood)};
  }
  return {100000, ""};
}

} // namespace

TEST_CASE("rule 9: each kind of frame that can flood has its limit") {
  CHECK(let_by(rst_stream(1)) == std::pair{200, "resets"s});
  CHECK(let_by(ping()) == std::pair{400, "control frames"s});
  CHECK(let_by(setting(4, 100)) == std::pair{400, "control frames"s});
  CHECK(let_by(frame(NGHTTP2_PRIORITY, 0, 1, "12345")) == std::pair{400, "control frames"s});
  CHECK(let_by(frame(0xbb, 0, 0, "unknown")) == std::pair{400, "control frames"s});
  CHECK(let_by(data(1, "")) == std::pair{50, "empty frames"s});
  CHECK(let_by(frame(NGHTTP2_CONTINUATION, 0, 1, "x")) == std::pair{8, "continuations"s});
  CHECK(let_by(headers(1, "", 0)) == std::pair{50, "empty frames"s});
  CHECK(let_by(window_update(0, 1)) == std::pair{1000, "window updates"s});
}

TEST_CASE("what carries something is not limited") {
  CHECK(let_by(data(1, "x")).first == 100000);
  CHECK(let_by(data(1, "", true)).first == 100000);
  CHECK(let_by(headers(1, "x")).first == 100000);
}

TEST_CASE("window updates are earned by what is sent and asked for") {
  H2FloodGuard guard;
  guard.look_at(core::bytes_of(kPreface), kNow.steady);
  const std::string updates = window_update(0, 1) + window_update(1, 1);
  for (int i = 0; i < 20000; ++i) {
    REQUIRE_FALSE(guard.look_at(core::bytes_of(updates), kNow.steady));
    guard.data_frame_sent();
  }
}

TEST_CASE("frames are found in pieces of any size") {
  std::string input(kPreface);
  for (int i = 0; i < 201; ++i) input += data(1, "some bytes") + rst_stream(1) + ping();
  for (const std::size_t size : {1U, 2U, 3U, 7U, 9U, 10U, 24U, 25U, 1000U}) {
    H2FloodGuard guard;
    std::optional<std::string_view> flood;
    std::size_t at = 0;
    for (; at < input.size() && !flood; at += size)
      flood = guard.look_at(core::bytes_of(input).subspan(at, std::min(size, input.size() - at)),
                            kNow.steady);
    CHECK(flood == "resets");
    CHECK(at > input.size() - 60);
  }
}

TEST_CASE("a header block in progress is told") {
  H2FloodGuard guard;
  const auto look = [&](std::string_view bytes) {
    guard.look_at(core::bytes_of(bytes), kNow.steady);
  };
  look(kPreface);
  look(setting(4, 100));
  CHECK_FALSE(guard.in_header_block());
  look(headers(1, "abc", 0).substr(0, 9));
  CHECK(guard.in_header_block());
  look("abc");
  CHECK(guard.in_header_block());
  look(frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, "").substr(0, 8));
  CHECK(guard.in_header_block());
  look(number(1, 1));
  CHECK_FALSE(guard.in_header_block());
}

TEST_CASE("a budget gives so many at once, and so many a second from then on") {
  FrameBudget budget(3, 2);
  const auto at = kNow.steady;
  const auto take_all = [&](core::TimePoint now) {
    int count = 0;
    while (budget.take(now)) ++count;
    return count;
  };
  CHECK(take_all(at) == 3);
  CHECK(take_all(at) == 0);
  CHECK(take_all(at + std::chrono::milliseconds(499)) == 0);
  CHECK(take_all(at + std::chrono::milliseconds(500)) == 1);
  CHECK(take_all(at + std::chrono::hours(1)) == 3);
  budget.give(100);
  CHECK(take_all(at + std::chrono::hours(1)) == 3);
}

} // namespace rproxyd::test
