#include "turnd/shell/limit_log.h"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <memory>
#include <string>

namespace {

using std::chrono::seconds;
using turnd::Limit;
using turnd::LimitHit;

constexpr core::TimePoint kStart(std::chrono::hours(1000));

// The log's lines, from a pipe.
class Lines {
 public:
  Lines() {
    REQUIRE(::pipe(ends_.data()) == 0);
    log_ = std::make_unique<logging::Logger>(
        logging::Level::info, logging::Format::text, [] { return logging::Line::Time{}; },
        ends_[1]);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines() {
    log_.reset();
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  logging::Logger& log() { return *log_; }
  // What was written behind "limit=", by line, since last asked.
  std::string written() {
    std::array<char, 8192> buffer{};
    log_->info("log.end", ""); // so that there is something to read
    log_->flush();
    const auto size = ::read(ends_[0], buffer.data(), buffer.size());
    std::string text(buffer.data(), static_cast<std::size_t>(size));
    std::string found;
    for (std::size_t at = 0; (at = text.find("limit=", at)) != std::string::npos; ++at) {
      found += text.substr(at, text.find('\n', at) + 1 - at);
    }
    return found;
  }

 private:
  std::array<int, 2> ends_{};
  std::unique_ptr<logging::Logger> log_;
};

TEST_CASE("a limit is told at once, then once an interval with the number held back") {
  Lines lines;
  turnd::LimitLog log(lines.log());
  const auto hit = [](std::uint64_t count) {
    return std::vector<LimitHit>{{Limit::allocations_per_user, "alice", count}};
  };
  CHECK(log.add(hit(1), kStart));
  CHECK(lines.written() == "limit=allocations_per_user subject=alice held_back=1\n");
  CHECK(log.add(hit(100), kStart + seconds(1)));
  CHECK(log.add(hit(20), kStart + seconds(9)));
  CHECK(lines.written().empty());
  CHECK(log.add({}, kStart + seconds(10)));
  CHECK(lines.written() == "limit=allocations_per_user subject=alice held_back=120\n");
  CHECK_FALSE(log.add({}, kStart + seconds(20)));
  CHECK(lines.written().empty());
  CHECK(log.add(hit(1), kStart + seconds(21)));
  CHECK(lines.written() == "limit=allocations_per_user subject=alice held_back=1\n");
}

TEST_CASE("each limit and subject has lines of its own, workers none") {
  Lines lines;
  turnd::LimitLog log(lines.log());
  log.add({{Limit::channels, "alice", 1}, {Limit::channels, "bob", 2}}, kStart);
  log.add({{Limit::channels, "bob", 3}, {Limit::relay_ports, "", 4}}, kStart); // another worker
  CHECK(lines.written() ==
        "limit=channels_per_allocation subject=alice held_back=1\n"
        "limit=channels_per_allocation subject=bob held_back=2\n"
        "limit=relay_ports subject=several held_back=4\n");
}

TEST_CASE("what was not told yet is told at the end") {
  Lines lines;
  {
    turnd::LimitLog log(lines.log());
    log.add({{Limit::channels, "alice", 1}}, kStart);
    (void)lines.written();
    log.add({{Limit::channels, "alice", 5}}, kStart);
  }
  CHECK(lines.written() == "limit=channels_per_allocation subject=alice held_back=5\n");
}

} // namespace
