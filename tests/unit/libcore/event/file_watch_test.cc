#include "libcore/event/file_watch.h"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "file_watch.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path path;
};

void write(const fs::path& file, std::string_view text) { std::ofstream(file) << text; }

// Runs the loop until a change is told, or until one would have been.
struct Stage final : event::DeadlineHandler {
  event::Loop loop;
  int told = 0;
  event::FileWatch watch{loop, [this] {
                           ++told;
                           loop.stop();
                         }};
  core::Deadline guard{static_cast<event::DeadlineHandler*>(this)};
  Folder folder;

  void on_deadline(int) override { loop.stop(); }
  int after(core::Duration time) {
    told = 0;
    loop.set(guard, event::read_now().steady + time);
    loop.run();
    loop.cancel(guard);
    return told;
  }
  bool is_told() { return after(std::chrono::seconds(20)) == 1; }
  bool is_silent() { return after(4 * event::FileWatch::kQuiet) == 0; }
};

TEST_CASE("a file that is written in place, renamed over, or taken away has changed") {
  Stage stage;
  const fs::path file = stage.folder.path / "a.pem";
  write(file, "first");
  REQUIRE(stage.watch.set({file.string()}));

  write(file, "second");
  CHECK(stage.is_told());
  write(stage.folder.path / "new", "third");
  fs::rename(stage.folder.path / "new", file);
  CHECK(stage.is_told());
  fs::remove(file);
  CHECK(stage.is_told());
  write(file, "fourth");
  CHECK(stage.is_told());
}

TEST_CASE("several changes at once are one, and other files are nobody's business") {
  Stage stage;
  const fs::path one = stage.folder.path / "one";
  const fs::path two = stage.folder.path / "two";
  write(one, "1");
  REQUIRE(stage.watch.set({one.string(), two.string()}));
  write(stage.folder.path / "three", "3");
  CHECK(stage.is_silent());
  write(two, "2");
  write(one, "22");
  CHECK(stage.is_told());
  CHECK(stage.is_silent());
}

TEST_CASE("a link on the way that leads elsewhere is a change: of the file, and of its folder") {
  Stage stage;
  for (const char* release : {"first", "second"}) {
    fs::create_directory(stage.folder.path / release);
    write(stage.folder.path / release / "tls.crt", release);
  }
  const fs::path outside = stage.folder.path / "mount";
  fs::create_directory(outside);
  const auto point = [](const fs::path& link, const fs::path& target) {
    fs::create_symlink(target, link.string() + ".new");
    fs::rename(link.string() + ".new", link);
  };
  // As Kubernetes mounts a secret: tls.crt -> ..data/tls.crt, ..data -> a folder.
  point(outside / "..data", "../first");
  point(outside / "tls.crt", "..data/tls.crt");
  REQUIRE(stage.watch.set({(outside / "tls.crt").string()}));
  point(outside / "..data", "../second");
  CHECK(stage.is_told());
  write(stage.folder.path / "second" / "tls.crt", "written in place");
  CHECK(stage.is_told());
  write(stage.folder.path / "first" / "tls.crt", "nobody looks here any more");
  CHECK(stage.is_silent());
}

TEST_CASE("what is watched can be exchanged, and given up") {
  Stage stage;
  const fs::path one = stage.folder.path / "one";
  write(one, "1");
  REQUIRE(stage.watch.set({one.string()}));
  REQUIRE(stage.watch.set({}));
  write(one, "2");
  CHECK(stage.is_silent());
  REQUIRE(stage.watch.set({one.string()}));
  write(one, "33");
  CHECK(stage.is_told());
  CHECK_FALSE(stage.watch.set({(stage.folder.path / "no folder" / "file").string()}));
}

} // namespace
