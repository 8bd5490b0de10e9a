#include "libcore/admin/interface.h"

#include <stdlib.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "libcore/admin/client.h"
#include "libcore/event/socket.h"

namespace {

struct Shown final : admin::Content {
  bool ready() override { return true; }
  std::vector<prometheus::MetricFamily> metrics() override { return {}; }
  nlohmann::json status() override { return {{"program", "d"}}; }
};

struct Stage {
  Stage() {
    std::string made = "/tmp/vestibule-admin-XXXXXX";
    REQUIRE(mkdtemp(made.data()) != nullptr);
    folder = made;
    open = admin::Interface::open(settings("socket"), content, commands, log);
  }
  ~Stage() {
    open.reset();
    std::filesystem::remove_all(folder);
  }
  config::Admin settings(const std::string& socket) const {
    return {.address = core::SocketAddress::parse("127.0.0.1:0"), .socket = folder + "/" + socket};
  }
  bool answers(const std::string& socket) const {
    return admin::ask(folder + "/" + socket, R"({"command":"status"})").has_value();
  }

  std::string folder;
  Shown content;
  admin::Commands commands;
  logging::Logger log{logging::Level::error, logging::Format::text};
  std::unique_ptr<admin::Interface> open;
};

} // namespace

TEST_CASE("a reload keeps what stays the same open, and moves what doesn't", "[threads]") {
  Stage stage;
  const auto address = stage.open->address();
  REQUIRE(address);
  CHECK(stage.answers("socket"));

  auto same = stage.open->prepare(stage.settings("other"));
  REQUIRE(same);
  stage.open->apply(*std::move(same));
  CHECK(stage.open->address() == address);
  CHECK_FALSE(stage.answers("socket"));
  CHECK(stage.answers("other"));

  config::Admin none;
  auto closed = stage.open->prepare(none);
  REQUIRE(closed);
  stage.open->apply(*std::move(closed));
  CHECK(stage.open->address() == std::nullopt);
  CHECK_FALSE(stage.answers("other"));
  CHECK(event::listen_tcp(*address, event::Sharing::exclusive));
}

TEST_CASE("what couldn't be opened at the start refuses no reload, and is tried again",
          "[threads]") {
  Stage stage;
  const config::Admin missing{.address = stage.open->address(),
                              .socket = stage.folder + "/later/socket"};
  admin::Commands commands;
  const auto open = admin::Interface::open(missing, stage.content, commands, stage.log);
  CHECK(open->address() == std::nullopt);
  auto again = open->prepare(missing);
  REQUIRE(again);
  open->apply(*std::move(again));
  CHECK(open->address() == std::nullopt);

  stage.open.reset(); // its address is free
  std::filesystem::create_directory(stage.folder + "/later");
  auto now = open->prepare(missing);
  REQUIRE(now);
  open->apply(*std::move(now));
  CHECK(open->address() == missing.address);
  CHECK(stage.answers("later/socket"));
}

TEST_CASE("a reload that can't be done changes nothing", "[threads]") {
  Stage stage;
  const auto taken =
      event::listen_tcp(*core::SocketAddress::parse("127.0.0.1:0"), event::Sharing::exclusive);
  config::Admin wrong = stage.settings("socket");
  wrong.address = event::local_address(taken->get());
  CHECK_FALSE(stage.open->prepare(wrong));
  wrong = stage.settings("nowhere/socket");
  CHECK_FALSE(stage.open->prepare(wrong));
  wrong = stage.settings("socket");
  wrong.tls.emplace();
  wrong.tls->certificates.push_back({.certificate = "/nowhere.pem", .key = ""});
  CHECK_FALSE(stage.open->prepare(wrong));
  CHECK(stage.answers("socket"));
}
