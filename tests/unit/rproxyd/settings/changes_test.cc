#include "rproxyd/settings/changes.h"

#include <catch2/catch_test_macros.hpp>

namespace {

using Names = std::vector<std::string>;
using rproxyd::Settings;

template <typename Change>
Names after(Change&& change) {
  Settings changed;
  change(changed);
  return rproxyd::changes_for_a_restart(Settings(), changed);
}

} // namespace

TEST_CASE("what a reload applies takes no restart") {
  CHECK(after([](Settings&) {}) == Names{});
  CHECK(after([](Settings& s) {
          s.listeners.emplace_back().redirect_https = true;
          s.pools["others"].servers.emplace_back();
          s.routes.emplace_back();
          s.pin_guard.enabled = true;
          s.limits.connections = 1;
          s.timeouts.head = std::chrono::seconds(1);
          s.drain_timeout = std::chrono::seconds(1);
          s.log.access = "/var/log/access.log";
          s.admin.socket = "/run/other.sock";
        }) == Names{});
}

TEST_CASE("what can't change while it runs is named, and kept as it is") {
  const auto change = [](Settings& s) { s.workers = 3; };
  CHECK(after(change) == Names{"workers"});
  CHECK(after([](Settings& s) { s.sandbox.user = "nobody"; }) == Names{"sandbox"});
  Settings changed;
  change(changed);
  changed.forwarded = true;
  rproxyd::keep_what_takes_a_restart(changed, Settings());
  CHECK(changed.workers == Settings().workers);
  CHECK(changed.forwarded);
}
