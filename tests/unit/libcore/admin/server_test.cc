#include "libcore/admin/server.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "libcore/admin/client.h"
#include "libcore/admin/wire.h"

namespace {

struct Folder {
  Folder() {
    std::string made = "/tmp/vestibule-admin-XXXXXX";
    REQUIRE(mkdtemp(made.data()) != nullptr);
    path = made;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string socket() const { return path + "/socket"; }
  std::string path;
};

std::string say(std::string_view text) {
  return R"({"command":"echo","text":")" + std::string(text) + "\"}";
}
std::string said(std::string_view text) {
  return R"({"ok":true,"said":")" + std::string(text) + "\"}";
}

struct Echo : admin::Commands {
  Echo() {
    add("echo", [](const nlohmann::json& question) {
      return nlohmann::json{{"ok", true}, {"said", admin::text_of(question, "text")}};
    });
    add_for_socket("twice", [](const nlohmann::json&, int socket) {
      admin::write_line(socket, "once");
      admin::write_line(socket, "again");
    });
  }
};
const Echo echo;

} // namespace

TEST_CASE("one line is answered with one line, as often as somebody asks") {
  const Folder folder;
  const auto server = admin::Server::start(folder.socket(), echo);
  REQUIRE(server);
  CHECK(admin::ask(folder.socket(), say("a")) == said("a"));
  CHECK(admin::ask(folder.socket(), "") == R"({"error":"this is no command","ok":false})");
  const std::string long_one(admin::kMaxQuestion - say("").size(), 'x');
  CHECK(admin::ask(folder.socket(), say(long_one)) == said(long_one));
  CHECK_FALSE(admin::ask(folder.socket(), say(long_one + "x")));
  CHECK(admin::ask(folder.socket(), say("still there")) == said("still there"));
}

TEST_CASE("the socket is for its user alone, and goes with the server") {
  const Folder folder;
  {
    const auto server = admin::Server::start(folder.socket(), echo);
    REQUIRE(server);
    struct stat found{};
    REQUIRE(lstat(folder.socket().c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
  CHECK_FALSE(std::filesystem::exists(folder.socket()));
  const auto nobody = admin::ask(folder.socket(), "a");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().text.contains("No such file or directory"));
}

TEST_CASE("a socket that was left behind gives way, one that is in use and other files don't") {
  const Folder folder;
  const auto address = *admin::address_of(folder.socket());
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  close(left);
  const auto server = admin::Server::start(folder.socket(), echo);
  REQUIRE(server);
  const auto second = admin::Server::start(folder.socket(), echo);
  REQUIRE_FALSE(second);
  CHECK(second.error().text == "another daemon uses the admin socket " + folder.socket());
  CHECK(admin::ask(folder.socket(), say("a")) == said("a"));

  std::ofstream(folder.path + "/file") << "mine";
  CHECK(admin::Server::start(folder.path + "/file", echo).error().text ==
        folder.path + "/file is there already, and no socket");
  CHECK_FALSE(admin::Server::start(folder.path + "/nowhere/socket", echo));
  CHECK_FALSE(admin::Server::start(folder.path + "/" + std::string(200, 'a'), echo));
}

TEST_CASE("a server that replaces another one has its place at once, and keeps it when that ends") {
  const Folder folder;
  auto first = admin::Server::start(folder.socket(), echo);
  REQUIRE(first);
  std::ofstream(folder.path + "/socket.new") << "left behind";
  auto second = admin::Server::start(folder.socket(), echo, true);
  REQUIRE(second);
  CHECK_FALSE(std::filesystem::exists(folder.socket() + ".new"));
  struct stat found{};
  REQUIRE(lstat(folder.socket().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  CHECK(admin::ask(folder.socket(), say("a")) == said("a"));
  first->reset();
  CHECK(admin::ask(folder.socket(), say("b")) == said("b"));
  second->reset();
  CHECK_FALSE(std::filesystem::exists(folder.socket()));

  // Nobody needs to be there.
  const auto third = admin::Server::start(folder.socket(), echo, true);
  REQUIRE(third);
  CHECK(admin::ask(folder.socket(), say("c")) == said("c"));
}

TEST_CASE("who connects and says nothing whole is given up, and others are answered") {
  const Folder folder;
  const auto server = admin::Server::start(folder.socket(), echo);
  REQUIRE(server);
  const auto address = *admin::address_of(folder.socket());
  const int rude = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(connect(rude, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(write(rude, "half a line", 11) == 11);
  close(rude);
  CHECK(admin::ask(folder.socket(), say("a")) == said("a"));
}

TEST_CASE("a command that is for the socket has it to itself") {
  const Folder folder;
  const auto server = admin::Server::start(folder.socket(), echo);
  REQUIRE(server);
  const auto address = *admin::address_of(folder.socket());
  const int asking = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(connect(asking, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(admin::write_line(asking, R"({"command":"twice"})"));
  std::string all;
  for (char c = 0; read(asking, &c, 1) == 1;) all += c;
  close(asking);
  CHECK(all == "once\nagain\n");
}

TEST_CASE("a daemon that has handed over leaves the file to the one that is about to replace it") {
  const Folder folder;
  auto before = admin::Server::start(folder.socket(), echo);
  REQUIRE(before);
  (*before)->hand_over();
  before->reset();
  struct stat file{};
  CHECK(::lstat(folder.socket().c_str(), &file) == 0);
  const auto after = admin::Server::start(folder.socket(), echo);
  REQUIRE(after);
  CHECK(admin::ask(folder.socket(), say("a")) == said("a"));
}
