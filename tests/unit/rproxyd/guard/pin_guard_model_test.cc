// The guard against a model that keeps everything that ever happened and counts anew each time.
#include <fmt/format.h>
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <random>
#include <set>

#include "rproxyd/guard/pin_guard.h"

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

using Kind = Admission::Kind;

class Model {
 public:
  explicit Model(const GuardRules& rules) : rules_(rules) {}

  Kind admit(const PinAttempt& a, core::TimePoint now) {
    if (rules_.ignore.contains(a.client)) return Kind::pass;
    if (banned(a.client, now)) return Kind::refuse;
    if (counts(a)) {
      const auto own = network_of(a.client);
      const bool shared = rules_.shared.contains(a.client);
      std::vector<Kind> kinds{of_limit(failures(own.to_string(), now), in_progress(own.to_string()),
                                       shared ? rules_.shared_max_failures : rules_.max_failures)};
      if (shared) {
        const auto pair = own.to_string() + ' ' + a.room;
        kinds.push_back(of_limit(failures(pair, now), in_progress(pair), rules_.max_failures));
      } else if (own.base.family == core::Family::ipv6) {
        for (const std::uint8_t prefix : {kSitePrefix, kOrganisationPrefix}) {
          const auto wide = widened(own, prefix).to_string();
          const std::size_t factor = prefix == kSitePrefix ? 4 : 16;
          if (parts(wide, now) < factor) continue;
          kinds.push_back(
              of_limit(failures(wide, now), in_progress(wide), rules_.max_failures * factor));
        }
      }
      // The first objection is the answer.
      for (const Kind kind : kinds) {
        if (kind != Kind::pass) return kind;
      }
    }
    if (!a.carries_pin || entered(a, now)) return Kind::pass;
    const auto& room = rules_.room;
    const std::string key = "room " + a.room;
    const auto failed = failures(key, now, room.find_time);
    const auto load = failed + in_progress(key);
    if (load < room.slow_after) return Kind::pass;
    if (failed >= room.max_failures) return Kind::refuse;
    if (failed < room.slow_after || load >= room.max_failures) return Kind::wait;
    return paced_.contains(a.room) && paced_[a.room] + room.pace > now ? Kind::wait : Kind::pass;
  }

  void begin(const PinAttempt& a, core::TimePoint now) {
    const bool newcomer = !rules_.ignore.contains(a.client) && !entered(a, now);
    const std::string key = "room " + a.room;
    if (a.carries_pin && newcomer &&
        failures(key, now, rules_.room.find_time) >= rules_.room.slow_after) {
      paced_[a.room] = now;
    }
    for (const std::string& k : keys(a)) open_.insert(k);
  }

  void settle(const PinAttempt& a, Outcome outcome, core::TimePoint now) {
    for (const std::string& k : keys(a)) open_.erase(open_.find(k));
    if (outcome == Outcome::admitted && a.carries_pin) entries_[entry(a)] = now;
    const bool wrong = outcome == Outcome::wrong_pin;
    if (wrong && a.carries_pin) happened_.push_back({"room " + a.room, now, {}});
    if (!counts(a) || rules_.ignore.contains(a.client) ||
        !(wrong ||
          (outcome == Outcome::denied && rules_.count == GuardRules::Count::denied_tokens))) {
      return;
    }
    const auto own = network_of(a.client);
    const bool shared = rules_.shared.contains(a.client);
    if (!shared && own.base.family == core::Family::ipv6) {
      for (const std::uint8_t prefix : {kSitePrefix, kOrganisationPrefix}) {
        if (banned(a.client, now)) continue;
        const auto wide = widened(own, prefix).to_string();
        happened_.push_back({wide, now, own.to_string()});
        const std::size_t factor = prefix == kSitePrefix ? 4 : 16;
        if (parts(wide, now) >= factor && failures(wide, now) >= rules_.max_failures * factor)
          ban(wide, now);
      }
    }
    if (shared) happened_.push_back({own.to_string() + ' ' + a.room, now, {}});
    if (banned(a.client, now)) return;
    happened_.push_back({own.to_string(), now, {}});
    if (failures(own.to_string(), now) >=
        (shared ? rules_.shared_max_failures : rules_.max_failures)) {
      ban(own.to_string(), now);
    }
  }

  bool banned(const core::IpAddress& client, core::TimePoint now) const {
    if (rules_.ignore.contains(client)) return false;
    const auto own = network_of(client);
    std::vector<std::string> names{own.to_string()};
    if (own.base.family == core::Family::ipv6) {
      names.push_back(widened(own, kSitePrefix).to_string());
      names.push_back(widened(own, kOrganisationPrefix).to_string());
    }
    return std::ranges::any_of(names, [&](const std::string& name) {
      const auto ban = bans_.find(name);
      return ban != bans_.end() && ban->second > now;
    });
  }

 private:
  struct Failure {
    std::string key;
    core::TimePoint when;
    std::string part;
  };

  bool counts(const PinAttempt& a) const {
    return !rules_.ignore.contains(a.client) &&
           (a.carries_pin || rules_.count == GuardRules::Count::denied_tokens);
  }
  std::vector<std::string> keys(const PinAttempt& a) const {
    std::vector<std::string> all;
    const auto own = network_of(a.client);
    if (counts(a)) {
      all.push_back(own.to_string());
      if (rules_.shared.contains(a.client)) {
        all.push_back(own.to_string() + ' ' + a.room);
      } else if (own.base.family == core::Family::ipv6) {
        all.push_back(widened(own, kSitePrefix).to_string());
        all.push_back(widened(own, kOrganisationPrefix).to_string());
      }
    }
    if (a.carries_pin) all.push_back("room " + a.room);
    return all;
  }
  std::size_t failures(const std::string& key, core::TimePoint now) const {
    return failures(key, now, rules_.find_time);
  }
  std::size_t failures(const std::string& key, core::TimePoint now, core::Duration window) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        happened_, [&](const Failure& f) { return f.key == key && f.when + window > now; }));
  }
  std::size_t parts(const std::string& key, core::TimePoint now) const {
    std::set<std::string> found;
    for (const Failure& f : happened_) {
      if (f.key == key && f.when + rules_.find_time > now) found.insert(f.part);
    }
    return found.size();
  }
  std::size_t in_progress(const std::string& key) const { return open_.count(key); }
  static Kind of_limit(std::size_t failed, std::size_t open, std::size_t limit) {
    if (failed >= limit) return Kind::refuse;
    return failed + open >= limit ? Kind::wait : Kind::pass;
  }
  static std::string entry(const PinAttempt& a) {
    return network_of(a.client).to_string() + ' ' + a.room;
  }
  bool entered(const PinAttempt& a, core::TimePoint now) const {
    const auto found = entries_.find(entry(a));
    return found != entries_.end() && found->second + rules_.room.remember > now;
  }
  void ban(const std::string& network, core::TimePoint now) {
    bans_[network] = now + rules_.ban_time;
    std::erase_if(happened_, [&](const Failure& f) { return f.key == network; });
  }

  GuardRules rules_;
  std::vector<Failure> happened_;
  std::multiset<std::string> open_;
  std::map<std::string, core::TimePoint> entries_;
  std::map<std::string, core::TimePoint> paced_;
  std::map<std::string, core::TimePoint> bans_;
};

std::string a_client(std::mt19937& random) {
  switch (random() % 4) {
    case 0:
      return fmt::format("198.51.100.{}", random() % 6);
    case 1:
      return fmt::format("203.0.113.{}", random() % 3); // shared
    case 2:
      return random() % 2 == 0 ? "10.0.0.1" : "10.0.0.2"; // ignored
    default:
      return fmt::format("2001:db8:{:x}:{:x}::{:x}", random() % 2,
                         random() % 3 * 256 + random() % 8, random() % 100);
  }
}

} // namespace

TEST_CASE("random attempts are judged as by a model that counts everything anew") {
  int refused = 0;
  int waited = 0;
  int bans = 0;
  for (unsigned seed = 0; seed < 120; ++seed) {
    INFO(seed);
    std::mt19937 random(seed);
    GuardRules rules;
    if (seed % 2 == 1) rules.count = GuardRules::Count::denied_tokens;
    rules.max_failures = 2 + random() % 4;
    rules.ban_time = std::chrono::seconds(1 + random() % 400);
    rules.ignore = core::NetworkList({*core::Network::parse("10.0.0.0/8")});
    rules.shared = core::NetworkList({*core::Network::parse("203.0.113.0/24")});
    rules.shared_max_failures = rules.max_failures * 2;
    rules.room.remember = 30min;
    PinGuard guard(rules);
    Model model(rules);
    core::Now now{.steady = core::TimePoint(100'000s), .wall = {}};
    std::vector<Ticket> open;
    for (int step = 0; step < 1500; ++step) {
      INFO(step);
      if (random() % 4 == 0) now.steady += std::chrono::milliseconds(random() % 20'000);
      if (random() % 2 == 0 || open.empty()) {
        PinAttempt attempt{.client = *core::IpAddress::parse(a_client(random)),
                           .room = std::string(1, static_cast<char>('a' + random() % 3)),
                           .carries_pin = random() % 4 != 0};
        INFO(attempt.client.to_string() << " " << attempt.room);
        const Kind expected = model.admit(attempt, now.steady);
        Admission got = guard.admit(attempt, now);
        REQUIRE(got.kind == expected);
        REQUIRE((guard.find_ban(attempt.client, now) != nullptr) ==
                model.banned(attempt.client, now.steady));
        if (got.kind == Kind::pass) {
          model.begin(attempt, now.steady);
          open.push_back(*std::move(got.ticket));
        } else {
          REQUIRE(got.delay > core::Duration::zero());
          ++(got.kind == Kind::wait ? waited : refused);
        }
      } else {
        const auto which = static_cast<std::ptrdiff_t>(random() % open.size());
        const Ticket ticket = open[static_cast<std::size_t>(which)];
        open.erase(open.begin() + which);
        constexpr Outcome kOutcomes[] = {Outcome::none,      Outcome::admitted,
                                         Outcome::denied,    Outcome::wrong_pin,
                                         Outcome::wrong_pin, Outcome::wrong_pin};
        Outcome outcome = kOutcomes[random() % 6];
        if (!ticket.attempt.carries_pin && outcome == Outcome::wrong_pin) outcome = Outcome::denied;
        guard.settle(ticket, outcome, now);
        model.settle(ticket.attempt, outcome, now.steady);
      }
    }
    bans += static_cast<int>(guard.counters().bans);
  }
  CHECK(refused > 1000);
  CHECK(waited > 100);
  CHECK(bans > 200);
}
