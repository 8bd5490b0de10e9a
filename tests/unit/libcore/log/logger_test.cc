#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "libcore/log/journal.h"
#include "libcore/log/log.h"

using logging::field;
using logging::Format;
using logging::Level;
using logging::Logger;
using namespace std::chrono_literals;

namespace {

// A file in memory, for what a logger writes.
class Sink {
 public:
  Sink() : descriptor_(::memfd_create("log", MFD_CLOEXEC)) {}
  ~Sink() { ::close(descriptor_); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  int descriptor() const { return descriptor_; }
  std::vector<std::string> lines(Logger& log) const {
    log.flush();
    return lines();
  }
  std::vector<std::string> lines() const {
    std::string all(static_cast<std::size_t>(::lseek(descriptor_, 0, SEEK_CUR)), '\0');
    REQUIRE(::pread(descriptor_, all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
    std::istringstream in(all);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

 private:
  int descriptor_;
};

struct Clock {
  logging::Line::Time now{};
  Logger::Clock reader() {
    return [this] { return now; };
  }
};

struct Costly {
  int& shown;
  std::string to_string() const {
    ++shown;
    return "costly";
  }
};

} // namespace

TEST_CASE("an event is one line with its fields in order") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
  log.info("listener.open", "listening", field("port", 3478), field("transport", "udp"));
  log.error("a.b", "failed");
  CHECK(sink.lines(log) ==
        std::vector<std::string>{
            "1970-01-01T00:00:00.000Z info listener.open: listening port=3478 transport=udp",
            "1970-01-01T00:00:00.000Z error a.b: failed"});
}

TEST_CASE("what is below the level is neither written nor formatted") {
  const Sink sink;
  Clock clock;
  Logger log(Level::warning, Format::text, clock.reader(), sink.descriptor());
  int shown = 0;
  log.debug("a.b", "m", field("k", Costly{shown}));
  log.info("a.b", "m", field("k", Costly{shown}));
  CHECK(shown == 0);
  log.warning("a.b", "m", field("k", Costly{shown}));
  CHECK(shown == 1);
  CHECK(sink.lines(log).size() == 1);
  log.set_level(Level::error);
  log.warning("a.b", "m");
  log.set_level(Level::debug);
  log.debug("a.b", "m");
  CHECK(sink.lines(log).size() == 2);
}

TEST_CASE("lines of an event are written to the limit of a second, and counted past it") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::json, clock.reader(), sink.descriptor());
  unsigned i = 0;
  for (; i < Logger::kLinesPerEventPerSecond; ++i) log.info("a.flood", "m", field("i", i));
  CHECK(sink.lines(log).size() == Logger::kLinesPerEventPerSecond);
  for (; i < Logger::kLinesPerEventPerSecond + 7; ++i) log.info("a.flood", "m", field("i", i));
  CHECK(sink.lines(log).size() == Logger::kLinesPerEventPerSecond);

  log.info("another", "m"); // has its own count
  CHECK(sink.lines(log).back().ends_with(R"("event":"another","message":"m"})"));

  clock.now += 1s;
  log.info("a.flood", "m", field("k", 1));
  CHECK(
      sink.lines(log).back().ends_with(R"("event":"a.flood","message":"m","k":1,"suppressed":7})"));
  log.info("a.flood", "m", field("k", 2));
  CHECK(sink.lines(log).back().ends_with(R"("event":"a.flood","message":"m","k":2})"));
}

TEST_CASE("what is said again is counted, and the count told once an interval") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
  const auto down = [&](int node, int port) {
    log.error("a.down", "m", field("node", node), logging::detail("port", port));
  };
  down(1, 70);
  down(1, 71);
  down(2, 72);
  down(1, 73);
  CHECK(sink.lines(log) ==
        std::vector<std::string>{"1970-01-01T00:00:00.000Z error a.down: m node=1 port=70",
                                 "1970-01-01T00:00:00.000Z error a.down: m node=2 port=72"});
  clock.now += logging::Repeats::kInterval;
  log.tell_repeats();
  CHECK(sink.lines(log).back() == "1970-01-01T00:00:30.000Z error a.down: m repeated=2 node=1");
  CHECK(sink.lines(log).size() == 3);
  down(1, 74); // goes on
  CHECK(sink.lines(log).size() == 3);
  clock.now += logging::Repeats::kInterval;
  log.tell_repeats();
  CHECK(sink.lines(log).size() == 4);
  clock.now += logging::Repeats::kInterval; // a quiet one
  log.tell_repeats();
  CHECK(sink.lines(log).size() == 4);
  down(1, 75);
  CHECK(sink.lines(log).back() == "1970-01-01T00:01:30.000Z error a.down: m node=1 port=75");
}

TEST_CASE("repeats that were not told yet are told at the end") {
  const Sink sink;
  Clock clock;
  {
    Logger log(Level::info, Format::json, clock.reader(), sink.descriptor());
    for (int i = 0; i < 4; ++i) log.warning("a.b", "m", field("k", "v"));
  }
  CHECK(sink.lines().size() == 2);
  CHECK(sink.lines().back().ends_with(R"("event":"a.b","message":"m","repeated":3,"k":"v"})"));
}

TEST_CASE("repeats are told in time when nothing else is logged") {
  const Sink sink;
  std::atomic<int> seconds = 0;
  Logger log(
      Level::info, Format::text,
      [&] { return logging::Line::Time(std::chrono::seconds(seconds.load())); }, sink.descriptor());
  log.warning("a.b", "m");
  log.warning("a.b", "m");
  seconds = 31;
  for (int i = 0; i < 500 && sink.lines(log).size() < 2; ++i) std::this_thread::sleep_for(10ms);
  CHECK(sink.lines(log).back() == "1970-01-01T00:00:31.000Z warning a.b: m repeated=1");
}

TEST_CASE("what an administrator does is never taken for a repeat") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
  for (unsigned i = 0; i < Logger::kLinesPerEventPerSecond + 1; ++i) log.info("reload.done", "m");
  CHECK(sink.lines(log).size() == Logger::kLinesPerEventPerSecond + 1);
}

TEST_CASE("a subject can have a level of its own, above or below that of the others") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
  log.set_level("tls", Level::debug);
  log.set_level("backend", Level::error);
  log.debug("tls.failed", "1");
  log.debug("tlsx.failed", "no");
  log.warning("backend.down", "no");
  log.error("backend.down", "2");
  log.info("a.b", "3");
  log.set_level(Level::error);
  log.debug("tls.failed", "4");
  log.info("a.b", "no");
  CHECK(log.subject_levels() ==
        logging::SubjectLevels{{"backend", Level::error}, {"tls", Level::debug}});
  log.set_levels(Level::warning, {{"a", Level::info}});
  log.debug("tls.failed", "no");
  log.info("a.b", "5");
  std::string said;
  for (const std::string& line : sink.lines(log)) said += line.back();
  CHECK(said == "12345");
}

TEST_CASE("more subjects with levels of their own than there are places are left out") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
  for (std::size_t i = 0; i <= logging::LevelTable::kSubjects; ++i) {
    log.set_level("a" + std::to_string(10 + i), Level::error);
  }
  log.info("a10.x", "no");
  log.info("a41.x", "no");
  log.info("a42.x", "yes");
  CHECK(sink.lines(log).size() == 1);
}

TEST_CASE("the form can be changed, and what was repeated before is told in the old one") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
  log.info("a.b", "m", field("k", 1));
  log.info("a.b", "m", field("k", 1));
  log.set_format(Format::json);
  log.info("a.b", "m", field("k", 1));
  const auto lines = sink.lines(log);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] == "1970-01-01T00:00:00.000Z info a.b: m repeated=1 k=1");
  CHECK(lines[2].ends_with(R"("message":"m","k":1})"));
}

TEST_CASE("for the journal each line begins with its priority") {
  const Sink sink;
  Clock clock;
  Logger log(Level::debug, Format::json, clock.reader(), sink.descriptor(), true);
  log.debug("a.b", "m");
  log.info("a.c", "m");
  log.warning("a.d", "m");
  log.error("a.e", "m");
  std::string priorities;
  for (const std::string& line : sink.lines(log)) priorities += line.substr(0, 4);
  CHECK(priorities == "<7>{<6>{<4>{<3>{");
}

TEST_CASE("standard error is the journal when systemd's name for that stream says so") {
  const Sink sink;
  struct stat status{};
  REQUIRE(::fstat(sink.descriptor(), &status) == 0);
  const std::string name = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  CHECK(logging::is_journal(sink.descriptor(), name.c_str()));
  CHECK_FALSE(logging::is_journal(sink.descriptor(), (name + "1").c_str()));
  CHECK_FALSE(logging::is_journal(sink.descriptor(), nullptr));
  CHECK_FALSE(logging::is_journal(-1, name.c_str()));
}

TEST_CASE("debug lines are never left out") {
  const Sink sink;
  Clock clock;
  Logger log(Level::debug, Format::text, clock.reader(), sink.descriptor());
  for (unsigned i = 0; i < Logger::kLinesPerEventPerSecond + 1; ++i) log.debug("a.flood", "m");
  CHECK(sink.lines(log).size() == Logger::kLinesPerEventPerSecond + 1);
}

TEST_CASE("lines that were left out and not told yet are told at the end") {
  const Sink sink;
  Clock clock;
  {
    Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
    for (unsigned i = 0; i < Logger::kLinesPerEventPerSecond + 3; ++i) {
      log.warning("a.flood", "m", field("i", i));
    }
  }
  CHECK(sink.lines().back() ==
        "1970-01-01T00:00:00.000Z warning a.flood: more lines were left out suppressed=3");
}

TEST_CASE("a reader that sleeps holds nobody up; what is lost is counted, and said when it wakes") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  Clock clock;
  auto log = std::make_unique<Logger>(Level::debug, Format::text, clock.reader(), pipe[1]);
  const std::string value(900, 'x');
  std::uint64_t logged = 0;
  while (log->lost() < 5) {
    log->debug("a.b", "m", field("k", value));
    ++logged;
  }
  const std::uint64_t lost = log->lost();
  std::string read;
  std::thread reader([&] {
    std::string buffer(65536, '\0');
    for (ssize_t count = 0; (count = ::read(pipe[0], buffer.data(), buffer.size())) > 0;) {
      read.append(buffer, 0, static_cast<std::size_t>(count));
    }
  });
  log.reset();
  ::close(pipe[1]);
  reader.join();
  CHECK(std::ranges::count(read, '\n') == static_cast<std::ptrdiff_t>(logged - lost + 1));
  CHECK(read.ends_with("warning log.lost: lines could not be written and are lost lines=" +
                       std::to_string(lost) + "\n"));
  ::close(pipe[0]);
}

TEST_CASE("the end doesn't wait long for a log that nobody reads") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  Clock clock;
  {
    Logger log(Level::debug, Format::text, clock.reader(), pipe[1]);
    for (int i = 0; i < 200; ++i) log.debug("a.b", "m", field("k", std::string(900, 'x')));
  }
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE("lines of several threads never mix") {
  const Sink sink;
  Clock clock;
  Logger log(Level::debug, Format::text, clock.reader(), sink.descriptor());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log] {
      for (int i = 0; i < 200; ++i) log.debug("a.b", "m", field("k", std::string(300, 'x')));
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string expected = "1970-01-01T00:00:00.000Z debug a.b: m k=" + std::string(300, 'x');
  const auto lines = sink.lines(log);
  CHECK(lines.size() == 800);
  for (const std::string& line : lines) REQUIRE(line == expected);
}
