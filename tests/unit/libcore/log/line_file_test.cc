#include "libcore/log/line_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using logging::LineFile;

namespace {

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

} // namespace

TEST_CASE("lines are appended to those of before") {
  const TemporaryFolder folder;
  std::ofstream(folder.file("access")) << "old\n";
  auto opened = LineFile::open(folder.file("access"));
  REQUIRE(opened);
  LineFile* file = opened->get();
  file->append("one");
  file->append("two");
  file->flush();
  CHECK(content(folder.file("access")) == "old\none\ntwo\n");
  file->flush();
  CHECK(content(folder.file("access")) == "old\none\ntwo\n");
}

TEST_CASE("the file is not made for everybody to read") {
  const TemporaryFolder folder;
  REQUIRE(LineFile::open(folder.file("access")));
  struct stat status{};
  REQUIRE(::stat(folder.file("access").c_str(), &status) == 0);
  CHECK((status.st_mode & 0007) == 0);
}

TEST_CASE("what waits is written when the file is closed") {
  const TemporaryFolder folder;
  {
    (*LineFile::open(folder.file("access")))->append("last");
  }
  CHECK(content(folder.file("access")) == "last\n");
}

TEST_CASE("a newline inside of a line can't end it") {
  const TemporaryFolder folder;
  {
    (*LineFile::open(folder.file("access")))->append("one\nforged");
  }
  CHECK(content(folder.file("access")) == "one forged\n");
}

TEST_CASE("a line is written whole to its limit, and cut past it") {
  const TemporaryFolder folder;
  const std::string longest(LineFile::kLineLimit, 'x');
  {
    const auto opened = LineFile::open(folder.file("access"));
    auto& file = *opened;
    file->append(longest);
    file->append(longest + "y");
  }
  CHECK(content(folder.file("access")) == longest + "\n" + longest + "\n");
}

TEST_CASE("many lines at once are taken as they stand") {
  const TemporaryFolder folder;
  std::string lines;
  LineFile::batch(lines, "one");
  LineFile::batch(lines, "two\nforged");
  {
    auto opened = LineFile::open(folder.file("access"));
    REQUIRE(opened);
    (*opened)->append_batch(lines);
  }
  CHECK(content(folder.file("access")) == "one\ntwo forged\n");
}

TEST_CASE("on a full disk lines wait to the limit, and are then lost and counted") {
  std::vector<std::string> reasons;
  std::mutex mutex;
  {
    auto opened = LineFile::open("/dev/full", [&](const logging::LineWriter::Trouble& trouble) {
      const std::lock_guard lock(mutex);
      reasons.push_back(trouble.reason);
    });
    REQUIRE(opened);
    LineFile* file = opened->get();
    const std::string line(1023, 'x');
    for (std::size_t i = 0; i < logging::LineWriter::kQueueLimit / 1024; ++i) file->append(line);
    CHECK(file->lost() == 0);
    file->append(line);
    file->append("short");
    CHECK(file->lost() == 2);
    file->flush();
  }
  CHECK(reasons == std::vector<std::string>{"No space left on device"}); // said once
}

TEST_CASE("of a batch that doesn't fit, the lines that do are taken") {
  auto opened = LineFile::open("/dev/full");
  REQUIRE(opened);
  LineFile* file = opened->get();
  const std::string line(1023, 'x');
  for (std::size_t i = 0; i + 1 < logging::LineWriter::kQueueLimit / 1024; ++i) file->append(line);
  file->append_batch(std::string(500, 'a') + "\n" + std::string(500, 'b') + "\n" +
                     std::string(500, 'c') + "\n");
  CHECK(file->lost() == 1);
}

TEST_CASE("when the disk has room again everything that waited is written, and the loss told") {
  const TemporaryFolder folder;
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 6; // "one\ntw"
  std::mutex mutex;
  std::condition_variable recovered;
  std::vector<std::string> told;

  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  auto opened =
      LineFile::open(folder.file("access"), [&](const logging::LineWriter::Trouble& trouble) {
        const std::lock_guard lock(mutex);
        told.push_back(trouble.reason);
        recovered.notify_one();
      });
  REQUIRE(opened);
  LineFile* file = opened->get();
  for (const auto* line : {"one", "two", "three"}) file->append(line);
  file->flush();
  CHECK(content(folder.file("access")) == "one\ntw");
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::unique_lock lock(mutex);
  recovered.wait_for(lock, std::chrono::seconds(10), [&] { return told.size() == 2; });
  CHECK(told == std::vector<std::string>{"File too large", ""});
  CHECK(content(folder.file("access")) == "one\ntwo\nthree\n");
  CHECK(file->lost() == 0);
}

TEST_CASE("a pipe whose reader sleeps holds nobody up, and gets every line when it wakes") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo(folder.file("access").c_str(), 0600) == 0);
  const int reader = ::open(folder.file("access").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto opened = LineFile::open(folder.file("access"));
  REQUIRE(opened);
  LineFile* file = opened->get();
  std::string expected;
  for (int i = 0; i < 10'000; ++i) { // more than a pipe holds
    const auto line = "line " + std::to_string(i);
    file->append(line);
    expected += line + "\n";
  }
  file->flush();
  std::string received;
  for (int i = 0; i < 10'000 && received.size() < expected.size(); ++i) {
    std::string buffer(65536, '\0');
    const auto count = ::read(reader, buffer.data(), buffer.size());
    if (count > 0) received += buffer.substr(0, static_cast<std::size_t>(count));
    if (count <= 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(received == expected);
  CHECK(file->lost() == 0);
  ::close(reader);
}

TEST_CASE("after the file was moved away, lines go to a new one") {
  const TemporaryFolder folder;
  auto opened = LineFile::open(folder.file("access"));
  REQUIRE(opened);
  LineFile* file = opened->get();
  file->append("one");
  std::filesystem::rename(folder.file("access"), folder.file("access.1"));
  REQUIRE(file->reopen());
  file->append("two");
  file->flush();
  CHECK(content(folder.file("access.1")) == "one\n");
  CHECK(content(folder.file("access")) == "two\n");
}

TEST_CASE("a file that can't be opened again stays in use") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("logs"));
  auto opened = LineFile::open(folder.file("logs/access"));
  REQUIRE(opened);
  LineFile* file = opened->get();
  std::filesystem::rename(folder.file("logs"), folder.file("moved"));
  const auto reopened = file->reopen();
  REQUIRE_FALSE(reopened);
  CHECK(reopened.error().text ==
        "cannot open " + folder.file("logs/access") + ": No such file or directory");
  file->append("still here");
  file->flush();
  CHECK(content(folder.file("moved/access")) == "still here\n");
}

TEST_CASE("a line that is partly in the old file does not go on in the new one") {
  const TemporaryFolder folder;
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 6; // "one\ntw"

  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  auto opened = LineFile::open(folder.file("access"));
  REQUIRE(opened);
  LineFile* file = opened->get();
  file->append("one");
  file->append("two");
  file->append("three");
  file->flush();
  std::filesystem::rename(folder.file("access"), folder.file("access.1"));
  REQUIRE(file->reopen());
  file->flush(); // the old one is tried once more
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  for (int i = 0; i < 500 && content(folder.file("access")).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(content(folder.file("access.1")) == "one\ntw");
  CHECK(content(folder.file("access")) == "three\n");
  CHECK(file->lost() == 1);
}

TEST_CASE("a file that can't be opened is a failure that names it") {
  const auto file = LineFile::open("/nonexistent/access");
  REQUIRE_FALSE(file);
  CHECK(file.error().text == "cannot open /nonexistent/access: No such file or directory");
}
