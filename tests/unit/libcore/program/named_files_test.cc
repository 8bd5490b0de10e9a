#include "libcore/program/named_files.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

TEST_CASE("a private key that everybody may read or replace is warned of, with its file and mode") {
  std::string name = (fs::temp_directory_path() / "key.XXXXXX").string();
  const fs::path folder = ::mkdtemp(name.data());
  const auto said = [&](unsigned mode, bool apart) {
    const config::CertificateFiles files{.certificate = folder / "all.pem",
                                         .key = apart ? folder / "key.pem" : fs::path()};
    const fs::path key = apart ? folder / "key.pem" : folder / "all.pem";
    for (const auto* each : {"all.pem", "key.pem"}) {
      std::ofstream(folder / each) << "x";
      fs::permissions(folder / each, fs::perms{0644});
    }
    fs::permissions(key, fs::perms{mode});
    return program::exposed_key(files).value_or("");
  };
  CHECK(said(0600, true).empty()); // whoever may read the certificate
  CHECK(said(0640, true).empty());
  CHECK(said(0640, false).empty());
  CHECK(said(0644, true) == "the private key in " + (folder / "key.pem").string() +
                                " can be read by everybody on this machine (mode 0644); expected a "
                                "file that only its owner and group may read (chmod o-rw)");
  CHECK(said(0602, false)
            .starts_with("the private key in " + (folder / "all.pem").string() +
                         " can be replaced by everybody"));
  fs::remove_all(folder);
}
