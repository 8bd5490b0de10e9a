#include "libcore/sandbox/landlock.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/libcore/sandbox/in_a_child.h"

namespace fs = std::filesystem;

TEST_CASE("files in reach can be used, all others are denied") {
  if (sandbox::landlock_version() == 0) SKIP("takes a kernel with Landlock");
  std::string name = (fs::temp_directory_path() / "landlock.XXXXXX").string();
  const fs::path folder = ::mkdtemp(name.data());
  for (const auto* each : {"read", "written", "neither"}) {
    fs::create_directory(folder / each);
    std::ofstream(folder / each / "file") << "x";
  }
  const auto opens = [&](const char* path, int flags) {
    const int opened = ::open((folder / path).c_str(), flags, 0600);
    if (opened >= 0) ::close(opened);
    return opened >= 0 ? 0 : errno;
  };
  CHECK(in_a_child([&] {
          sandbox::Reach reach;
          reach.read_file(folder / "read/file");
          reach.write_file(folder / "written/file");
          ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
          if (!sandbox::limit_files(reach)) return 1;
          if (opens("read/file", O_RDONLY) != 0) return 2;
          if (opens("read/file", O_WRONLY) != EACCES) return 3;
          if (opens("read/new", O_WRONLY | O_CREAT) != EACCES) return 4;
          if (opens("written/file", O_RDWR | O_TRUNC) != 0) return 5;
          if (opens("written/new", O_WRONLY | O_CREAT) != 0) return 6;
          if (::rename((folder / "written/new").c_str(), (folder / "written/file").c_str()) != 0)
            return 7;
          if (opens("neither/file", O_RDONLY) != EACCES) return 8;
          ::execl("/bin/true", "true", nullptr);
          return errno == EACCES ? 0 : 9;
        }) == 0);
  fs::remove_all(folder);
}
