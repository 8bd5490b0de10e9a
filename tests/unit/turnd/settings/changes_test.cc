#include "turnd/settings/changes.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using Names = std::vector<std::string>;
using turnd::Settings;

template <typename Change>
Names after(Change&& change) {
  Settings changed;
  change(changed);
  return turnd::changes_for_a_restart(Settings(), changed);
}

TEST_CASE("what a reload applies takes no restart") {
  CHECK(after([](Settings&) {}) == Names{});
  CHECK(after([](Settings& s) {
          s.realm = "example.org";
          s.credentials.users.emplace("alice", core::Secret("wonder"));
          s.credentials.shared_secrets.emplace_back("secret");
          s.listeners.push_back({.transport = Settings::Transport::tls,
                                 .address = {core::IpAddress::v4(127, 0, 0, 1), 5349},
                                 .proxy_protocol_from = {},
                                 .certificates = {{"/a.pem", ""}}});
          s.peers.allow = core::NetworkList({*core::Network::parse("10.0.0.0/8")});
          s.drain_timeout = std::chrono::seconds(1);
          s.relay.last_port = 60000;
          s.clients.rfc5766_channels = true;
          s.limits.allocations = 1;
          s.alternate.domain = "example.net";
          s.alternate.loads_file = "/run/turn.loads";
          s.log.level = logging::Level::debug;
          s.log.format = logging::Format::json;
          s.admin.socket = "/run/other.sock";
        }) == Names{});
}

TEST_CASE("what can't change while it runs is named, and kept as it is") {
  const auto change = [](Settings& s) { s.workers = 3; };
  CHECK(after(change) == Names{"workers"});
  CHECK(after([](Settings& s) { s.sandbox.user = "nobody"; }) == Names{"sandbox"});
  Settings changed;
  change(changed);
  changed.realm = "example.net";
  changed.offload.mode = Settings::Offload::Mode::xdp;
  CHECK(turnd::changes_for_a_restart(Settings(), changed) == Names{"workers", "offload"});
  turnd::keep_what_takes_a_restart(changed, Settings());
  CHECK(changed.workers == Settings().workers);
  CHECK(changed.offload == Settings().offload);
  CHECK(changed.realm == "example.net");
}

} // namespace
