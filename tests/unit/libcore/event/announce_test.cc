#include "libcore/event/announce.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

struct Folder {
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "vestibule-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string read(const std::string& name) const {
    std::ifstream file(path / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files() const {
    const std::filesystem::directory_iterator all(path);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  std::filesystem::path path;
};

event::BoundListener listener(const char* transport, const char* address) {
  return {.transport = transport, .address = *core::SocketAddress::parse(address)};
}

TEST_CASE("where a daemon listens is written as JSON, and nothing is left beside it") {
  const Folder folder;
  const std::string file = folder.path / "listeners.json";
  REQUIRE(
      event::announce(file, {listener("https", "127.0.0.1:40001"), listener("udp", "[::1]:3478")})
          .has_value());
  CHECK(folder.read("listeners.json") ==
        "{\"listeners\":[{\"transport\":\"https\",\"address\":\"127.0.0.1:40001\"},"
        "{\"transport\":\"udp\",\"address\":\"[::1]:3478\"}]}\n");
  REQUIRE(event::announce(file, {}).has_value());
  CHECK(folder.read("listeners.json") == "{\"listeners\":[]}\n");
  CHECK(folder.files() == 1);
}

TEST_CASE("a place that can't be written to is named, with the reason") {
  const Folder folder;
  const std::string file = folder.path / "nowhere" / "listeners.json";
  const auto refused = event::announce(file, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text == file + ": can't be written: No such file or directory");
}

} // namespace
