#include "libcore/config/surroundings.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

// A file of its own for each test, gone with it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    std::string pattern = std::filesystem::temp_directory_path() / "vestibule-XXXXXX";
    ::close(::mkstemp(pattern.data()));
    path_ = pattern;
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const config::SystemSurroundings kSystem;

} // namespace

TEST_CASE("a file is read to its limit, and refused one byte past it") {
  const std::string text(100'000, 'x');
  const TemporaryFile file(text);
  const auto whole = kSystem.read_file(file.path(), 100'000);
  REQUIRE(whole);
  CHECK(whole->text == text);
  const auto refused = kSystem.read_file(file.path(), 99'999);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text == "is larger than 99999 bytes");
}

TEST_CASE("whether everybody may read a file is told") {
  const TemporaryFile file("secret\n");
  REQUIRE(::chmod(file.path().c_str(), 0640) == 0);
  CHECK_FALSE(kSystem.read_file(file.path(), 100)->world_readable);
  REQUIRE(::chmod(file.path().c_str(), 0644) == 0);
  CHECK(kSystem.read_file(file.path(), 100)->world_readable);
}

TEST_CASE("a file that can't be read is a failure with the system's reason") {
  CHECK(kSystem.read_file("/nonexistent/file", 100).error().text == "No such file or directory");
  CHECK(kSystem.read_file("/", 100).error().text == "Is a directory");
}

TEST_CASE("variables come from the process's environment") {
  CHECK(kSystem.variable("PATH") == std::string(::getenv("PATH")));
  CHECK(kSystem.variable("VESTIBULE_NO_SUCH_VARIABLE") == std::nullopt);
}
