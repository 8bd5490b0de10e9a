#include "turnd/settings/changes.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using Names = std::vector<std::string>;
using turnd::Settings;

Settings settings() {
  Settings settings;
  settings.realm = "example.com";
  settings.listeners.push_back({.transport = Settings::Transport::tls,
                                .address = {core::IpAddress::v4(127, 0, 0, 1), 5349},
                                .proxy_protocol_from = {},
                                .certificates = {{"/a.pem", ""}}});
  return settings;
}

template <typename Change>
Names after(Change&& change) {
  auto changed = settings();
  change(changed);
  return turnd::changes_for_a_restart(settings(), changed);
}

TEST_CASE("what a reload applies takes no restart") {
  CHECK(after([](Settings&) {}) == Names{});
  CHECK(after([](Settings& s) {
          s.realm = "example.org";
          s.credentials.users.emplace("alice", core::Secret("wonder"));
          s.credentials.shared_secrets.emplace_back("secret");
          s.listeners[0].certificates = {{"/b.pem", ""}};
        }) == Names{});
}

TEST_CASE("everything else is named, each subject once") {
  CHECK(after([](Settings& s) { s.workers = 7; }) == Names{"workers"});
  CHECK(after([](Settings& s) {
          s.listeners[0].address = {core::IpAddress::v4(127, 0, 0, 1), 1};
        }) == Names{"listeners"});
  CHECK(after([](Settings& s) { s.listeners.push_back(s.listeners[0]); }) == Names{"listeners"});
  CHECK(after([](Settings& s) { s.listeners.clear(); }) == Names{"listeners"});
  CHECK(after([](Settings& s) {
          s.peers.allow = core::NetworkList({*core::Network::parse("10.0.0.0/8")});
          s.peers.deny = s.peers.allow;
          s.log.level = logging::Level::debug;
        }) == Names{"peers", "log"});
  CHECK(after([](Settings& s) {
          s.drain_timeout = std::chrono::seconds(1);
          s.relay.last_port = 60000;
          s.clients.rfc5766_channels = true;
          s.limits.allocations = 1;
          s.admin.socket.reset();
        }) == Names{"drain_timeout", "relay", "clients", "limits", "admin"});
}

} // namespace
