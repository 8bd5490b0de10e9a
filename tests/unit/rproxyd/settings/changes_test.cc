#include "rproxyd/settings/changes.h"

#include <catch2/catch_test_macros.hpp>
#include <set>

namespace {

using Names = std::vector<std::string>;
using rproxyd::Settings;

Settings settings() {
  Settings settings;
  Settings::Listener listener;
  listener.address = core::SocketAddress(core::IpAddress::v4(127, 0, 0, 1), 443);
  listener.tls.emplace().certificates = {{"/a.pem", ""}};
  settings.listeners.push_back(listener);
  Settings::Server server;
  server.host = "10.0.0.1";
  settings.pools["nodes"].servers.push_back(server);
  return settings;
}

template <typename Change>
Names after(Change&& change) {
  auto changed = settings();
  change(changed);
  return rproxyd::changes_for_a_restart(settings(), changed);
}

} // namespace

TEST_CASE("what a reload applies takes no restart") {
  CHECK(after([](Settings&) {}) == Names{});
  CHECK(after([](Settings& s) {
          s.listeners[0].tls->certificates = {{"/b.pem", "/b.key"}};
          s.pools["nodes"].servers[0].host = "10.0.0.2";
          s.pools["nodes"].servers.emplace_back();
        }) == Names{});
}

TEST_CASE("everything else is named, each subject once") {
  CHECK(after([](Settings& s) {
          s.listeners[0].tls->compatible_suites = true;
          s.listeners.emplace_back();
        }) == Names{"listeners"});
  CHECK(after([](Settings& s) { s.listeners[0].tls.reset(); }) == Names{"listeners"});
  CHECK(after([](Settings& s) { s.pools["nodes"].slow_start = std::chrono::seconds(1); }) ==
        Names{"pools"});
  CHECK(after([](Settings& s) { s.pools["others"]; }) == Names{"pools"});
  CHECK(after([](Settings& s) {
          s.routes.emplace_back();
          s.pin_guard.enabled = true;
          s.limits.connections = 1;
          s.timeouts.head = std::chrono::seconds(1);
          s.workers = 3;
        }) == Names{"workers", "routes", "pin_guard", "limits", "timeouts"});
}
