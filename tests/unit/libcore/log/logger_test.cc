#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

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

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "vestibule-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

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
  CHECK(sink.lines() ==
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
  CHECK(sink.lines().size() == 1);
  log.set_level(Level::error);
  log.warning("a.b", "m");
  log.set_level(Level::debug);
  log.debug("a.b", "m");
  CHECK(sink.lines().size() == 2);
}

TEST_CASE("repeats of an event are written to the limit of a second, and counted past it") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::json, clock.reader(), sink.descriptor());
  for (unsigned i = 0; i < Logger::kLinesPerEventPerSecond; ++i) log.info("a.flood", "m");
  CHECK(sink.lines().size() == Logger::kLinesPerEventPerSecond);
  for (int i = 0; i < 7; ++i) log.info("a.flood", "m");
  CHECK(sink.lines().size() == Logger::kLinesPerEventPerSecond);

  log.info("another", "m"); // has its own count
  CHECK(sink.lines().back().ends_with(R"("event":"another","message":"m"})"));

  clock.now += 1s;
  log.info("a.flood", "m", field("k", 1));
  CHECK(sink.lines().back().ends_with(R"("event":"a.flood","message":"m","suppressed":7,"k":1})"));
  log.info("a.flood", "m");
  CHECK(sink.lines().back().ends_with(R"("event":"a.flood","message":"m"})"));
}

TEST_CASE("debug lines are never left out") {
  const Sink sink;
  Clock clock;
  Logger log(Level::debug, Format::text, clock.reader(), sink.descriptor());
  for (unsigned i = 0; i < Logger::kLinesPerEventPerSecond + 1; ++i) log.debug("a.flood", "m");
  CHECK(sink.lines().size() == Logger::kLinesPerEventPerSecond + 1);
}

TEST_CASE("repeats that were left out and not told yet are told at the end") {
  const Sink sink;
  Clock clock;
  {
    Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
    for (unsigned i = 0; i < Logger::kLinesPerEventPerSecond + 3; ++i) log.warning("a.flood", "m");
  }
  CHECK(sink.lines().back() ==
        "1970-01-01T00:00:00.000Z warning a.flood: repeats were left out suppressed=3");
}

TEST_CASE("a log that can't be written costs its lines, counted, and nothing else") {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), full);
  log.info("a.b", "m");
  log.info("a.b", "m");
  CHECK(log.dropped() == 2);
  ::close(full);
}

TEST_CASE("after a line that was cut short by a full disk the next one starts anew") {
  const TemporaryFolder folder;
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 30;

  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), STDERR_FILENO);
  REQUIRE(log.open(folder.file("log")));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  log.info("cut", "short");
  log.info("lost", "whole");
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  log.info("a.b", "m");
  log.info("a.b", "m");
  CHECK(log.dropped() == 2);
  CHECK(content(folder.file("log")) ==
        "1970-01-01T00:00:00.000Z info \n"
        "1970-01-01T00:00:00.000Z info a.b: m\n"
        "1970-01-01T00:00:00.000Z info a.b: m\n");
}

TEST_CASE("a log goes to a file, and to a new one after the old was moved away") {
  const TemporaryFolder folder;
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), STDERR_FILENO);
  REQUIRE(log.open(folder.file("log")));
  log.info("one", "m");
  std::filesystem::rename(folder.file("log"), folder.file("log.1"));
  log.info("two", "m");
  REQUIRE(log.open(folder.file("log")));
  log.info("three", "m");
  CHECK(content(folder.file("log.1")) ==
        "1970-01-01T00:00:00.000Z info one: m\n1970-01-01T00:00:00.000Z info two: m\n");
  CHECK(content(folder.file("log")) == "1970-01-01T00:00:00.000Z info three: m\n");
}

TEST_CASE("a log file that can't be opened leaves the log where it was") {
  const Sink sink;
  Clock clock;
  Logger log(Level::info, Format::text, clock.reader(), sink.descriptor());
  const auto opened = log.open("/nonexistent/log");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().text == "cannot open the log /nonexistent/log: No such file or directory");
  log.info("a.b", "m");
  CHECK(sink.lines().size() == 1);
}

TEST_CASE("lines of several threads never mix") {
  const TemporaryFolder folder;
  Clock clock;
  Logger log(Level::debug, Format::text, clock.reader(), STDERR_FILENO);
  REQUIRE(log.open(folder.file("log")));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log] {
      for (int i = 0; i < 200; ++i) log.debug("a.b", "m", field("k", std::string(300, 'x')));
    });
  }
  for (auto& thread : threads) thread.join();
  std::istringstream in(content(folder.file("log")));
  const std::string expected = "1970-01-01T00:00:00.000Z debug a.b: m k=" + std::string(300, 'x');
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) REQUIRE(line == expected);
  CHECK(count == 800);
}
