#include "libcore/log/line_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

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

TEST_CASE("lines wait for the flush and are then appended") {
  const TemporaryFolder folder;
  std::ofstream(folder.file("access")) << "old\n";
  auto file = LineFile::open(folder.file("access"));
  REQUIRE(file);
  file->append("one");
  file->append("two");
  CHECK(content(folder.file("access")) == "old\n");
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
    LineFile::open(folder.file("access"))->append("last");
  }
  CHECK(content(folder.file("access")) == "last\n");
}

TEST_CASE("a newline inside of a line can't end it") {
  const TemporaryFolder folder;
  {
    LineFile::open(folder.file("access"))->append("one\nforged");
  }
  CHECK(content(folder.file("access")) == "one forged\n");
}

TEST_CASE("a line is written whole to its limit, and cut past it") {
  const TemporaryFolder folder;
  const std::string longest(LineFile::kLineLimit, 'x');
  {
    auto file = LineFile::open(folder.file("access"));
    file->append(longest);
    file->append(longest + "y");
  }
  CHECK(content(folder.file("access")) == longest + "\n" + longest + "\n");
}

TEST_CASE("when more waits than the buffer holds, it is written in between and nothing is lost") {
  const TemporaryFolder folder;
  const std::string line(1023, 'x');
  auto file = LineFile::open(folder.file("access"));
  for (std::size_t i = 0; i < LineFile::kBufferLimit / 1024; ++i) file->append(line);
  CHECK(content(folder.file("access")).empty());
  file->append(line);
  CHECK(content(folder.file("access")).size() == LineFile::kBufferLimit);
  file->flush();
  CHECK(content(folder.file("access")).size() == LineFile::kBufferLimit + 1024);
  CHECK(file->dropped() == 0);
}

TEST_CASE(
    "on a full disk lines wait to the limit of the buffer, and are then dropped and counted") {
  auto file = LineFile::open("/dev/full");
  REQUIRE(file);
  const std::string line(1023, 'x');
  for (std::size_t i = 0; i < LineFile::kBufferLimit / 1024; ++i) {
    file->append(line);
    file->flush();
  }
  CHECK(file->dropped() == 0);
  file->append(line);
  file->append("short");
  CHECK(file->dropped() == 2);
}

TEST_CASE("a pipe whose reader sleeps holds nobody up, and gets every line when it wakes") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo(folder.file("access").c_str(), 0600) == 0);
  const int reader = ::open(folder.file("access").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto file = LineFile::open(folder.file("access"));
  REQUIRE(file);
  std::string expected;
  for (int i = 0; i < 10'000; ++i) { // more than a pipe holds
    const auto line = "line " + std::to_string(i);
    file->append(line);
    expected += line + "\n";
  }
  file->flush();
  std::string received;
  for (int i = 0; i < 100 && received.size() < expected.size(); ++i) {
    std::string buffer(65536, '\0');
    const auto count = ::read(reader, buffer.data(), buffer.size());
    if (count > 0) received += buffer.substr(0, static_cast<std::size_t>(count));
    file->flush();
  }
  CHECK(received == expected);
  CHECK(file->dropped() == 0);
  ::close(reader);
}

TEST_CASE("after the file was moved away, lines go to a new one") {
  const TemporaryFolder folder;
  auto file = LineFile::open(folder.file("access"));
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
  auto file = LineFile::open(folder.file("logs/access"));
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

  auto file = LineFile::open(folder.file("access"));
  file->append("one");
  file->append("two");
  file->append("three");
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  file->flush();
  std::filesystem::rename(folder.file("access"), folder.file("access.1"));
  const auto reopened = file->reopen();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  REQUIRE(reopened);
  file->flush();
  CHECK(content(folder.file("access.1")) == "one\ntw");
  CHECK(content(folder.file("access")) == "three\n");
  CHECK(file->dropped() == 1);
}

TEST_CASE("a file that can't be opened is a failure that names it") {
  const auto file = LineFile::open("/nonexistent/access");
  REQUIRE_FALSE(file);
  CHECK(file.error().text == "cannot open /nonexistent/access: No such file or directory");
}

TEST_CASE("a moved file goes on where it was") {
  const TemporaryFolder folder;
  auto first = LineFile::open(folder.file("access"));
  first->append("one");
  LineFile second = *std::move(first);
  second.append("two");
  second.flush();
  CHECK(content(folder.file("access")) == "one\ntwo\n");
}
