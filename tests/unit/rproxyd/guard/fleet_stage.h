// Replicas of a guard around a server that keeps what fleet_script.h says, in virtual time. The script
// itself is held against real replicas by tests/integration.
#pragma once

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rproxyd/guard/fleet_replica.h"

namespace rproxyd {

using Words = std::vector<std::string>;

class FleetServer {
 public:
  // As the script; `now` in milliseconds.
  resp::Value call(const Words& words, std::int64_t now) {
    const std::string& mode = words[0];
    if (mode == "join") {
      if (lineage_.empty() || (lineage_ == words[2] && number_ < std::stoull(words[3]))) {
        lineage_ = words[4];
        number_ = std::max<std::uint64_t>(number_, std::stoull(words[3]));
        log_.clear();
      }
      return answer("join", now);
    }
    if (lineage_ != words[2]) return answer("anew", now);
    guards_[words[1]] = now;
    for (std::size_t i = 7; i + 4 < words.size(); i += 5)
      act({.kind = words[i],
           .id = words[i + 1],
           .number = words[i + 2],
           .payload = words[i + 3],
           .door = words[i + 4]},
          now);
    resp::Value value = answer(mode, now);
    if (mode == "go") {
      for (const auto& [number, line] : log_) {
        if (number > std::stoull(words[3])) value.elements[4].elements.push_back(text(line));
      }
    }
    if (mode == "state") add_state(value);
    return value;
  }
  void lose() { *this = FleetServer(); }

 private:
  static resp::Value text(std::string text) {
    resp::Value value;
    value.kind = resp::Value::Kind::text;
    value.text = std::move(text);
    return value;
  }
  static resp::Value list(const Words& words) {
    resp::Value value;
    value.kind = resp::Value::Kind::array;
    for (const std::string& word : words) value.elements.push_back(text(word));
    return value;
  }
  resp::Value answer(const std::string& mode, std::int64_t now) {
    resp::Value value = list({lineage_, std::to_string(now), std::to_string(number_), mode});
    value.elements.push_back(list({}));
    Words guards;
    for (const auto& [name, spoke] : guards_) {
      guards.push_back(name);
      guards.push_back(std::to_string(now - spoke));
    }
    value.elements.push_back(list(guards));
    return value;
  }
  void say(const FleetWord& word, const std::string& what, std::int64_t now) {
    ++number_;
    log_[number_] =
        fmt::format("{} {} {} {} {} {}", number_, now, word.kind, word.id, what, word.payload);
  }
  void act(const FleetWord& word, std::int64_t now) {
    const auto fail = [&](std::int64_t at) {
      return failures_.try_emplace(word.id, at, word.payload).second;
    };
    if (word.kind == "want" || word.kind == "open") {
      open_[word.id] = word.payload;
      say(word, word.number, now);
    } else if (word.kind == "none" || word.kind == "admit") {
      open_.erase(word.id);
      if (word.kind == "admit") entrants_[word.door] = now;
      say(word, word.number, now);
    } else if (word.kind == "end") {
      open_.erase(word.id);
      if (fail(now)) say(word, word.number, now);
    } else if (word.kind == "fail") {
      if (fail(now - std::stoll(word.number))) say(word, word.number, now);
    } else if (word.kind == "spend") {
      if (failures_.contains(word.id)) failures_[word.id].second = word.payload;
    } else if (word.kind == "keep" || word.kind == "ban") {
      bans_[word.id] = word.payload;
      if (word.kind == "ban") say(word, word.number, now);
    } else if (word.kind == "tell") {
      if (lifted_[word.id] < std::stoll(word.door) &&
          bans_.try_emplace(word.id, word.payload).second) {
        say({.kind = "ban", .id = word.id, .payload = word.payload}, word.number, now);
      }
    } else if (word.kind == "lift") {
      bans_.erase(word.id);
      lifted_[word.id] = now;
      say(word, word.number, now);
    } else if (word.kind == "clear") {
      bans_.clear();
      say(word, word.number, now);
    } else if (word.kind == "enter") {
      entrants_.try_emplace(word.door, now - std::stoll(word.number));
    } else {
      FAIL(word.kind);
    }
  }
  void add_state(resp::Value& value) {
    std::multimap<std::int64_t, std::string> by_time;
    for (const auto& [id, failure] : failures_) by_time.emplace(failure.first, id);
    Words failures;
    for (const auto& [when, id] : by_time) {
      for (const std::string& each : {id, std::to_string(when), failures_.at(id).second})
        failures.push_back(each);
    }
    Words open;
    Words bans;
    Words entrants;
    for (const auto& [id, payload] : open_) open.insert(open.end(), {id, payload});
    for (const auto& [id, payload] : bans_) bans.insert(bans.end(), {id, payload});
    for (const auto& [door, when] : entrants_)
      entrants.insert(entrants.end(), {door, std::to_string(when)});
    for (const Words& each : {failures, open, bans, entrants}) value.elements.push_back(list(each));
  }

  std::string lineage_;
  std::uint64_t number_ = 0;
  std::map<std::uint64_t, std::string> log_;
  std::map<std::string, std::int64_t> guards_;
  std::map<std::string, std::pair<std::int64_t, std::string>> failures_;
  std::map<std::string, std::string> open_;
  std::map<std::string, std::string> bans_;
  std::map<std::string, std::int64_t> lifted_;
  std::map<std::string, std::int64_t> entrants_;
};

// Each proxy's steady clock begins elsewhere.
struct FleetProxy {
  FleetProxy(unsigned number, const GuardRules& rules, core::Duration uptime)
      : guard(rules),
        skew(uptime),
        replica(guard, fmt::format("proxy{}", number), core::Now{.steady = {}, .wall = {}}) {}
  PinGuard guard;
  core::Duration skew;
  FleetReplica replica;
  bool linked = false;
};

class FleetStage {
 public:
  explicit FleetStage(unsigned count, GuardRules rules = {}) : rules_(std::move(rules)) {
    for (unsigned i = 0; i < count; ++i) add();
    link();
  }

  FleetProxy& add() {
    const auto number = static_cast<unsigned>(proxies.size());
    proxies.push_back(std::make_unique<FleetProxy>(number, rules_, std::chrono::hours(number + 1)));
    return *proxies.back();
  }
  core::Now now(const FleetProxy& proxy) const {
    return {.steady = core::TimePoint(elapsed + proxy.skew),
            .wall = core::WallTime(std::chrono::seconds(1'800'000'000) +
                                   std::chrono::duration_cast<std::chrono::seconds>(elapsed))};
  }

  // The server is there, for all or for one.
  void link() {
    reachable = true;
    settle();
  }
  // It is not, and what it has been asked last is not answered.
  void cut() {
    reachable = false;
    for (const auto& proxy : proxies) cut(*proxy);
  }
  void cut(FleetProxy& proxy) {
    proxy.linked = false;
    proxy.replica.disconnected(now(proxy));
  }
  // One request of one proxy. False: it has nothing to say.
  bool step(FleetProxy& proxy) {
    if (!reachable) return false;
    if (!proxy.linked) {
      proxy.linked = true;
      proxy.replica.connected(now(proxy));
    }
    const auto request = proxy.replica.request(now(proxy));
    if (!request) return false;
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
    const auto answer = server.call(*request, 1'800'000'000'000 + milliseconds);
    if (!proxy.replica.answer(answer, now(proxy))) cut(proxy);
    return true;
  }
  void step_all() {
    bool more = true;
    for (int i = 0; more && i < 1000; ++i) {
      more = false;
      for (const auto& proxy : proxies) more = step(*proxy) || more;
    }
  }
  void pass(core::Duration time) { elapsed += time; }
  // Until all share, and have heard all.
  void settle() {
    for (int i = 0; i < 60; ++i) {
      step_all();
      pass(FleetReplica::kFollowEvery);
    }
    step_all();
  }

  // What becomes of an attempt, asked for until it is decided.
  Admission ask(FleetProxy& proxy, const PinAttempt& attempt) {
    Admission admission = proxy.replica.admit(attempt, nullptr, now(proxy));
    for (int i = 0; admission.kind == Admission::Kind::asked && i < 10; ++i) {
      step_all();
      admission = proxy.replica.decide(admission.claim, now(proxy));
      if (admission.kind == Admission::Kind::asked) pass(FleetReplica::kPatience);
    }
    return admission;
  }
  // Whether a wrong guess gets through.
  bool guess(FleetProxy& proxy, const PinAttempt& attempt) {
    const Admission admission = ask(proxy, attempt);
    if (!admission.ticket) return false;
    proxy.replica.settle(*admission.ticket, Outcome::wrong_pin, now(proxy));
    return true;
  }
  bool banned(FleetProxy& proxy, const core::IpAddress& client) {
    return proxy.guard.find_ban(client, proxy.replica.time(now(proxy))) != nullptr;
  }

  std::vector<std::unique_ptr<FleetProxy>> proxies;
  FleetServer server;
  core::Duration elapsed{};
  bool reachable = false;

 private:
  const GuardRules rules_;
};

} // namespace rproxyd
