#include "libcore/program/reload.h"

#include <fcntl.h>
#include <unistd.h>
#include <catch2/catch_test_macros.hpp>

#include "libcore/event/loop.h"

namespace {

using program::Reload;
using program::ReloadRecord;

struct Settings {
  int number = 0;
};
using Loaded = std::expected<config::Loaded<Settings>, config::Problems>;
using Applied = core::Result<std::vector<std::string>>;

config::Problem problem(config::Severity severity, std::string found) {
  return {.severity = severity,
          .place = {.file = "turnd.json", .line = 3, .column = 1, .pointer = "/realm"},
          .found = std::move(found),
          .expected = ""};
}

// Reads `file`, and applies to `applied` unless it is told to fail.
struct Daemon {
  int nowhere = ::open("/dev/null", O_WRONLY);
  logging::Logger log{logging::Level::error, logging::Format::text,
                      [] { return logging::Line::Time{}; }, nowhere};
  ReloadRecord record{core::WallTime{std::chrono::seconds{100}}};
  Loaded file = config::Loaded<Settings>{};
  Applied answer = std::vector<std::string>{};
  std::vector<int> applied;
  Reload<Settings> reload{log, record, [this] { return file; },
                          [this](const Settings& settings) {
                            applied.push_back(settings.number);
                            return answer;
                          }};

  Daemon() = default;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon() { ::close(nowhere); }
};

TEST_CASE("a reload that is done is in force from then on, and names what takes a restart") {
  Daemon daemon;
  CHECK(daemon.record.figures().loaded.time_since_epoch() == std::chrono::seconds{100});
  CHECK(daemon.record.figures().done == 0);

  daemon.file->settings.number = 7;
  daemon.answer = std::vector<std::string>{"workers", "admin"};
  const auto before = event::read_now().wall;
  daemon.reload.run();
  CHECK(daemon.applied == std::vector{7});
  const auto figures = daemon.record.figures();
  CHECK(figures.loaded >= before);
  CHECK(figures.done == 1);
  CHECK(figures.refused == 0);
  CHECK_FALSE(figures.last_refusal);
  CHECK(figures.needs_restart == std::vector<std::string>{"workers", "admin"});
}

TEST_CASE("a file with something wrong in it is not applied, and its errors are kept") {
  Daemon daemon;
  daemon.file = std::unexpected(config::Problems{problem(config::Severity::warning, "odd"),
                                                 problem(config::Severity::error, "no realm")});
  daemon.reload.run();
  CHECK(daemon.applied.empty());
  const auto figures = daemon.record.figures();
  CHECK(figures.loaded.time_since_epoch() == std::chrono::seconds{100});
  CHECK(figures.done == 0);
  CHECK(figures.refused == 1);
  REQUIRE(figures.last_refusal);
  CHECK(figures.last_refusal->problems ==
        std::vector<std::string>{"turnd.json:3: /realm: no realm"});
}

TEST_CASE(
    "what can't be applied is refused with its reason; the next reload that is done forgets it") {
  Daemon daemon;
  daemon.answer = core::failure("can't listen on 192.0.2.1:3478: address in use");
  daemon.reload.run();
  REQUIRE(daemon.record.figures().last_refusal);
  CHECK(daemon.record.figures().last_refusal->problems ==
        std::vector<std::string>{"can't listen on 192.0.2.1:3478: address in use"});

  daemon.answer = std::vector<std::string>{};
  daemon.reload.run();
  const auto figures = daemon.record.figures();
  CHECK(figures.done == 1);
  CHECK(figures.refused == 1);
  CHECK_FALSE(figures.last_refusal);
}

TEST_CASE("no more than a limit of a refusal's problems is kept") {
  Daemon daemon;
  for (const std::size_t count : {ReloadRecord::kMaxProblems, ReloadRecord::kMaxProblems + 1}) {
    daemon.file =
        std::unexpected(config::Problems(count, problem(config::Severity::error, "wrong")));
    daemon.reload.run();
    CHECK(daemon.record.figures().last_refusal->problems.size() == ReloadRecord::kMaxProblems);
  }
}

} // namespace
