#include "rproxyd/proxy/folder.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/rproxyd/proxy/files_in_memory.h"

using namespace rproxyd;

namespace {

struct Folder {
  FilesInMemory files;
  Route route;
  RequestHead request;

  Folder() {
    route.kind = Route::Kind::folder;
    route.path = "/app/";
    route.target = "/srv";
    request.method = "GET";
    for (const char* name : {"/srv/index.html", "/srv/a.js", "/srv/dir/index.html", "/srv/logo.png",
                             "/srv/.git/config", "/srv/.well-known/assetlinks.json",
                             "/srv/empty/readme.txt", "/srv/dir/.hidden", "/secret"}) {
      files.files[name] = {.content = name};
    }
  }

  // What was found: the file's own name is its content.
  std::string find(const std::string& target) {
    request.target = target;
    auto found = find_file(files, route, request);
    if (found) {
      coding = found->coding;
      varies = found->varies;
      type = found->content_type;
      return std::string(core::text_of(*found->file->read(0, 1000)));
    }
    switch (found.error().kind) {
      case FolderMiss::Kind::not_found:
        return "not found";
      case FolderMiss::Kind::moved:
        return "to " + found.error().location;
      case FolderMiss::Kind::shortage:
        return "shortage";
    }
    return "";
  }
  std::string coding, type;
  bool varies = false;
};

} // namespace

TEST_CASE("a folder serves its files, and an index for what ends with a slash") {
  Folder folder;
  CHECK(folder.find("/app/a.js?x") == "/srv/a.js");
  CHECK(folder.type == "text/javascript; charset=utf-8");
  CHECK(folder.find("/app/%61.js") == "/srv/a.js");
  CHECK(folder.find("/app/") == "/srv/index.html");
  CHECK(folder.find("/app/dir/") == "/srv/dir/index.html");
  CHECK(folder.find("/app/nothing") == "not found");
  CHECK(folder.find("/app/empty/") == "not found");
  folder.route.folder.index = {"home.html", "readme.txt"};
  CHECK(folder.find("/app/empty/") == "/srv/empty/readme.txt");
  folder.files.shortage = true;
  CHECK(folder.find("/app/a.js") == "shortage");
}

TEST_CASE("a folder that is asked for without its slash is elsewhere, with it") {
  Folder folder;
  CHECK(folder.find("/app/dir?x=/") == "to /app/dir/?x=/");
  folder.route.path = "/app";
  CHECK(folder.find("/app?y") == "to /app/?y");
  CHECK(folder.find("/app/") == "/srv/index.html");
  folder.route.path = "/";
  folder.files.files["/srv/evil.example.com/index.html"] = {};
  folder.files.files["/srv/a b%/index.html"] = {};
  SECTION("which is a path of this site, never a host, and nothing but a path") {
    CHECK(folder.find("//evil.example.com") == "to /evil.example.com/");
    CHECK(folder.find("/a%20b%25") == "to /a%20b%25/");
  }
}

TEST_CASE("names that begin with a dot are never served, but for well-known ones (RFC 8615)") {
  Folder folder;
  CHECK(folder.find("/app/.git/config") == "not found");
  CHECK(folder.find("/app/dir/.hidden") == "not found");
  CHECK(folder.find("/app/%2egit/config") == "not found");
  CHECK(folder.find("/app/.git") == "not found");
  CHECK(folder.find("/app/.well-known/assetlinks.json") == "/srv/.well-known/assetlinks.json");
}

TEST_CASE("a fallback serves pages of a web app, not files that are missing") {
  Folder folder;
  folder.route.folder.fallback = "index.html";
  CHECK(folder.find("/app/m/room") == "/srv/index.html");
  CHECK(folder.find("/app/empty/") == "/srv/index.html");
  CHECK(folder.find("/app/missing.js") == "not found");
  CHECK(folder.find("/app/.git/x") == "not found");
}

TEST_CASE("an exact route serves the file that its path ends with") {
  Folder folder;
  folder.route.path = "/deep/logo.png";
  folder.route.exact = true;
  CHECK(folder.find("/deep/logo.png") == "/srv/logo.png");
  folder.route.path = "/";
  CHECK(folder.find("/") == "/srv/index.html");
}

TEST_CASE("files that were compressed beforehand serve clients that take them") {
  Folder folder;
  folder.files.files["/srv/a.js.br"] = {.content = "br"};
  folder.files.files["/srv/a.js.gz"] = {.content = "gz"};
  folder.files.files["/srv/logo.png.gz"] = {.content = "gz"};
  const auto with = [&](std::string_view accepted, const std::string& target = "/app/a.js") {
    folder.request.fields.clear();
    folder.request.fields.add("accept-encoding", accepted);
    return folder.find(target) + " " + folder.coding;
  };
  CHECK(with("gzip, br") == "br br");
  CHECK(folder.type == "text/javascript; charset=utf-8");
  CHECK(with("gzip") == "gz gzip");
  CHECK(with("identity") == "/srv/a.js ");
  CHECK(folder.varies); // RFC 9110 section 12.5.5: also where the plain one is sent
  CHECK(with("gzip", "/app/logo.png") == "/srv/logo.png ");
  CHECK_FALSE(folder.varies);
  SECTION("unless they are older than the file itself") {
    folder.files.files["/srv/a.js.br"].modified -= std::chrono::seconds(1);
    CHECK(with("gzip, br") == "gz gzip");
  }
  SECTION("or that is switched off") {
    folder.route.folder.precompressed = false;
    CHECK(with("gzip, br") == "/srv/a.js ");
    CHECK_FALSE(folder.varies);
  }
}
