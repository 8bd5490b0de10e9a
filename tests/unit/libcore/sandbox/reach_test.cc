#include "libcore/sandbox/reach.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "reach.XXXXXX").string();
    path = fs::canonical(::mkdtemp(name.data()));
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name) << "x";
    return path / name;
  }
  fs::path path;
};

using Places = std::vector<std::string>;

} // namespace

TEST_CASE("a file is reached by its folder, since another one takes its place") {
  const Folder folder;
  sandbox::Reach reach;
  reach.read_file(folder.file("certificates/a.pem"));
  reach.read_file(folder.file("certificates/b.pem")); // said once
  CHECK(reach.readable() == Places{folder.path / "certificates"});
  CHECK(reach.writable().empty());
}

TEST_CASE("a link is reached where it leads to, too") {
  const Folder folder;
  const auto real = folder.file("archive/a1.pem");
  fs::create_directories(folder.path / "live");
  fs::create_symlink(real, folder.path / "live/a.pem");
  sandbox::Reach reach;
  reach.read_file(folder.path / "live/a.pem");
  CHECK(reach.readable() == Places{folder.path / "live", folder.path / "archive"});
}

TEST_CASE("a folder is reached by the one that holds it, and one that isn't there by the nearest") {
  const Folder folder;
  fs::create_directories(folder.path / "srv/branding");
  sandbox::Reach reach;
  reach.read_folder(folder.path / "srv/branding");
  CHECK(reach.readable() == Places{folder.path / "srv"});
  CHECK(sandbox::place_of(folder.path / "srv/not/there/yet") == folder.path / "srv");
}

TEST_CASE("what is to be written into a folder that isn't there gets none of those above") {
  const Folder folder;
  sandbox::Reach reach;
  reach.write_file(folder.path / "not/there.log");
  CHECK(reach.writable().empty());
}

TEST_CASE("neither the root nor the kernel's folders are given as a whole") {
  CHECK(sandbox::place_of("/configuration.json") == "/configuration.json");
  CHECK(sandbox::place_of("/not/there") == "/not/there");
  CHECK(sandbox::place_of("/dev/stdout") == "/dev/stdout");
  CHECK(sandbox::place_of("/proc") == "/proc");
}

TEST_CASE(
    "what is wanted beyond what there is is named; writing covers reading and not the reverse") {
  const Folder folder;
  const auto inside = folder.file("state/bans.json");
  const auto other = folder.file("other/page.html");
  sandbox::Reach has;
  has.write_file(inside);
  sandbox::Reach wants;
  wants.read_file(inside);
  CHECK(has.lacks(wants).empty());
  CHECK(wants.lacks(has) == Places{folder.path / "state"});
  wants.read_file(other);
  CHECK(has.lacks(wants) == Places{folder.path / "other"});
}
