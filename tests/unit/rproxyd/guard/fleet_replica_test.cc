#include "rproxyd/guard/fleet_replica.h"

#include <catch2/catch_test_macros.hpp>
#include <random>

#include "tests/unit/rproxyd/guard/fleet_stage.h"

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

const core::IpAddress kClient = core::IpAddress::v4(203, 0, 113, 7);

GuardRules without_rooms() {
  GuardRules rules;
  rules.room.enabled = false;
  return rules;
}
PinAttempt guess(const core::IpAddress& client = kClient, std::string room = "demo") {
  return {.client = client, .room = std::move(room), .carries_pin = true};
}
int guesses(FleetStage& stage, int count, const PinAttempt& attempt = guess()) {
  int through = 0;
  for (int i = 0; i < count; ++i) {
    const auto proxy = static_cast<std::size_t>(i) % stage.proxies.size();
    through += stage.guess(*stage.proxies[proxy], attempt) ? 1 : 0;
  }
  return through;
}

} // namespace

TEST_CASE("guesses at all proxies count as those at one, and the ban is everywhere") {
  FleetStage stage(3, without_rooms());
  CHECK(guesses(stage, 20) == 5);
  stage.settle();
  for (const auto& proxy : stage.proxies) CHECK(stage.banned(*proxy, kClient));
  stage.pass(300s);
  stage.settle();
  CHECK(guesses(stage, 20) == 5);
}

TEST_CASE("of all that are asked for at once no more than the limit are let through") {
  FleetStage stage(4, without_rooms());
  std::vector<std::pair<FleetProxy*, std::string>> claims;
  for (int i = 0; i < 40; ++i) {
    FleetProxy& proxy = *stage.proxies[static_cast<std::size_t>(i) % 4];
    const Admission admission = proxy.replica.admit(guess(), nullptr, stage.now(proxy));
    REQUIRE(admission.kind == Admission::Kind::asked);
    claims.emplace_back(&proxy, admission.claim);
  }
  stage.step_all();
  int through = 0;
  for (auto& [proxy, claim] : claims)
    through += proxy->replica.decide(claim, stage.now(*proxy)).ticket ? 1 : 0;
  CHECK(through == 5);
}

TEST_CASE("right PINs, and who breaks off before an answer, take nothing from the count") {
  FleetStage stage(2, without_rooms());
  for (int i = 0; i < 20; ++i) {
    FleetProxy& proxy = *stage.proxies[static_cast<std::size_t>(i) % 2];
    const Admission admission = stage.ask(proxy, guess());
    REQUIRE(admission.ticket);
    proxy.replica.settle(*admission.ticket, i % 2 == 0 ? Outcome::admitted : Outcome::none,
                         stage.now(proxy));
    const Admission asked = proxy.replica.admit(guess(), nullptr, stage.now(proxy));
    proxy.replica.abandon(asked.claim, stage.now(proxy));
    stage.step_all();
  }
  CHECK(guesses(stage, 20) == 5);
}

TEST_CASE(
    "who has entered a room at one proxy is no newcomer at another, nor at one that comes later") {
  GuardRules rules;
  FleetStage stage(2, rules);
  const Admission admission = stage.ask(*stage.proxies[0], guess());
  stage.proxies[0]->replica.settle(*admission.ticket, Outcome::admitted,
                                   stage.now(*stage.proxies[0]));
  stage.settle();
  for (unsigned i = 0; i < 20; ++i) {
    stage.guess(*stage.proxies[i % 2],
                guess(core::IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(i))));
    stage.step_all();
  }
  stage.add();
  stage.settle();
  const core::IpAddress stranger = core::IpAddress::v4(192, 0, 2, 1);
  for (const auto& proxy : stage.proxies) {
    INFO("proxy " << (&proxy - stage.proxies.data()));
    CHECK(stage.ask(*proxy, guess()).kind == Admission::Kind::pass);
    CHECK(stage.ask(*proxy, guess(stranger)).kind != Admission::Kind::pass);
  }
}

TEST_CASE(
    "while the server is away each proxy has its share of what is left; then all is one again") {
  for (const bool empty : {false, true}) {
    for (int before = 0; before <= 5; ++before) {
      INFO(before << " before, " << (empty ? "lost" : "kept"));
      FleetStage stage(3, without_rooms());
      int through = guesses(stage, before);
      stage.settle();
      stage.cut();
      if (empty) stage.server.lose();
      through += guesses(stage, 30);
      CHECK(through <= 5);
      stage.link();
      through += guesses(stage, 30);
      CHECK(through == 5);
      stage.settle();
      for (const auto& proxy : stage.proxies) CHECK(stage.banned(*proxy, kClient));
    }
  }
}

TEST_CASE("what siblings had in progress when the server went is waited for by nobody") {
  for (const Outcome outcome : {Outcome::wrong_pin, Outcome::admitted}) {
    for (const bool before : {false, true}) {
      INFO((outcome == Outcome::admitted ? "right" : "wrong") << (before ? ", unheard" : ""));
      FleetStage stage(3, without_rooms());
      FleetProxy& proxy = *stage.proxies[0];
      const Admission admission = stage.ask(proxy, guess());
      stage.settle();
      if (before) proxy.replica.settle(*admission.ticket, outcome, stage.now(proxy));
      stage.cut();
      if (!before) proxy.replica.settle(*admission.ticket, outcome, stage.now(proxy));
      int through = outcome == Outcome::wrong_pin ? 1 : 0;
      for (int i = 0; i < 6; ++i) {
        for (const auto& each : stage.proxies) {
          const Admission asked = stage.ask(*each, guess());
          CHECK(asked.kind != Admission::Kind::wait);
          if (!asked.ticket) continue;
          ++through;
          each->replica.settle(*asked.ticket, Outcome::wrong_pin, stage.now(*each));
        }
      }
      CHECK(through >= 3);
      CHECK(through <= 5);
      stage.link();
      CHECK(through + guesses(stage, 30) == 5); // it is known now how that has ended
    }
  }
}

TEST_CASE("what has been said and not answered is neither lost nor counted twice") {
  FleetStage stage(2, without_rooms());
  FleetProxy& proxy = *stage.proxies[0];
  // The end of an attempt arrives there, and its answer does not come back.
  const Admission admission = stage.ask(proxy, guess());
  proxy.replica.settle(*admission.ticket, Outcome::wrong_pin, stage.now(proxy));
  const auto request = proxy.replica.request(stage.now(proxy));
  REQUIRE(request);
  static_cast<void>(stage.server.call(*request, 1'800'000'100'000));
  stage.cut(proxy);
  stage.settle();
  CHECK(guesses(stage, 30) == 4);
}

TEST_CASE(
    "a server that does not answer in time is waited for no longer, and the rest is divided") {
  FleetStage stage(2, without_rooms());
  stage.reachable = false;
  int through = 0;
  for (const auto& proxy : stage.proxies) {
    for (int i = 0; i < 10; ++i) through += stage.guess(*proxy, guess()) ? 1 : 0;
    CHECK_FALSE(proxy->replica.tick(stage.now(*proxy)));
    CHECK(proxy->replica.figures().late == 1);
  }
  CHECK(through == 5);
}

TEST_CASE("a ban that is lifted is lifted everywhere, and its failures count no more") {
  FleetStage stage(3, without_rooms());
  CHECK(guesses(stage, 20) == 5);
  stage.settle();
  FleetProxy& proxy = *stage.proxies[1];
  REQUIRE(proxy.guard.lift(network_of(kClient), proxy.replica.time(stage.now(proxy))));
  proxy.replica.lifted_by_hand(network_of(kClient));
  stage.settle();
  for (const auto& each : stage.proxies) CHECK_FALSE(stage.banned(*each, kClient));
  stage.add();
  stage.settle();
  CHECK(guesses(stage, 20) == 5);
}

TEST_CASE(
    "what is lifted while a sibling is away stays lifted, and a ban of the time alone is told") {
  for (const bool empty : {false, true}) {
    FleetStage stage(2, without_rooms());
    CHECK(guesses(stage, 20) == 5);
    stage.settle();
    stage.cut();
    if (empty) stage.server.lose();
    stage.pass(2s);
    FleetProxy& proxy = *stage.proxies[1];
    REQUIRE(proxy.guard.lift(network_of(kClient), proxy.replica.time(stage.now(proxy))));
    proxy.replica.lifted_by_hand(network_of(kClient));
    const core::IpAddress other = core::IpAddress::v4(192, 0, 2, 1);
    REQUIRE(proxy.guard.ban(network_of(other), 1h, proxy.replica.time(stage.now(proxy))));
    proxy.replica.banned_by_hand(network_of(other));
    stage.link();
    for (const auto& each : stage.proxies) {
      CHECK_FALSE(stage.banned(*each, kClient));
      CHECK(stage.banned(*each, other));
    }
  }
}

TEST_CASE("a proxy that dies with a guess on its way leaves it counted as in progress") {
  FleetStage stage(2, without_rooms());
  for (int i = 0; i < 5; ++i) REQUIRE(stage.ask(*stage.proxies[0], guess()).ticket);
  stage.proxies.erase(stage.proxies.begin());
  CHECK(guesses(stage, 5) == 0);
  stage.add();
  stage.settle();
  CHECK(guesses(stage, 5) == 0);
}

TEST_CASE(
    "whatever happens to connections and to the server, all proxies know the same in the end") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto draw = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
    FleetStage stage(3);
    std::vector<std::pair<FleetProxy*, Ticket>> open;
    for (int i = 0; i < 400; ++i) {
      FleetProxy& proxy = *stage.proxies[draw(3)];
      const unsigned what = draw(100);
      if (what < 60) {
        const core::IpAddress client =
            core::IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(draw(6)));
        const Admission admission = stage.ask(proxy, guess(client, draw(2) == 0 ? "a" : "b"));
        if (admission.ticket) open.emplace_back(&proxy, *admission.ticket);
      } else if (what < 85) {
        if (open.empty()) continue;
        const auto which = static_cast<std::ptrdiff_t>(draw(static_cast<unsigned>(open.size())));
        const auto [at, ticket] = open[static_cast<std::size_t>(which)];
        open.erase(open.begin() + which);
        at->replica.settle(ticket, draw(3) == 0 ? Outcome::admitted : Outcome::wrong_pin,
                           stage.now(*at));
      } else if (what < 90) {
        stage.cut(proxy);
      } else if (what < 92) {
        stage.cut();
        if (draw(2) == 0) stage.server.lose();
      } else if (what < 96) {
        stage.reachable = true;
      } else {
        stage.pass(std::chrono::seconds(draw(20)));
      }
    }
    for (const auto& [at, ticket] : open) at->replica.settle(ticket, Outcome::none, stage.now(*at));
    stage.link();
    stage.settle();
    const auto bans = [&](FleetProxy& proxy) {
      std::vector<std::string> networks;
      for (const Ban& ban : proxy.guard.bans(proxy.replica.time(stage.now(proxy))))
        networks.push_back(ban.network.to_string());
      return networks;
    };
    for (const auto& proxy : stage.proxies) {
      CHECK(proxy->replica.figures().shares);
      CHECK(bans(*proxy) == bans(*stage.proxies[0]));
    }
  }
}
