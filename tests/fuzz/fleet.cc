// Any bytes as what a Redis server answers a guard that shares it with others. The first byte says into what pieces the rest is cut; each
// answer goes to a guard that has asked, with virtual time between two of them. Must hold:
//   - the pieces make no difference;
//   - every attempt is decided, by the server's answers or without them, and what was let through can be settled;
//   - when the connection is gone and everything's time has passed, nobody is banned or held back any more.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "libcore/base/bytes.h"
#include "libcore/resp/reader.h"
#include "rproxyd/guard/fleet_replica.h"

namespace rproxyd {
namespace {

constexpr std::size_t kAnswers = 200; // of one input

void must(bool holds) {
  if (!holds) std::abort();
}

std::vector<resp::Value> answers_in(core::Bytes bytes, std::size_t piece) {
  resp::Reader reader;
  std::vector<resp::Value> answers;
  while (!bytes.empty() && answers.size() < kAnswers) {
    const core::Bytes next = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(next.size());
    if (!reader.feed(next)) return answers;
    for (;;) {
      auto read = reader.next();
      if (!read) return answers; // what comes behind it has no meaning
      std::optional<resp::Value>& answer = *read;
      if (!answer) break;
      answers.push_back(*std::move(answer));
    }
  }
  return answers;
}

class Guard {
 public:
  void hear(const resp::Value& answer) {
    ask();
    if (!linked_) {
      replica_.connected(now_);
      linked_ = true;
    }
    static_cast<void>(replica_.request(now_));
    now_.steady += std::chrono::milliseconds(7);
    if (!replica_.answer(answer, now_) || !replica_.tick(now_)) lose();
    for (const auto& wake : replica_.take_woken()) wake();
    static_cast<void>(guard_.take_events());
  }

  void end() {
    lose();
    for (auto& [claim, attempt] : asked_) decide(claim);
    for (const Ticket& ticket : passed_) replica_.settle(ticket, Outcome::none, now_);
    now_.steady += std::chrono::hours(24 * 366 * 132); // later than a server's latest moment
    const core::Now then = replica_.time(now_);
    must(guard_.bans(then).empty());
  }

 private:
  void ask() {
    const PinAttempt attempt{.client = core::IpAddress::v4(203, 0, 113, ++client_ % 4),
                             .room = "demo",
                             .carries_pin = true};
    take(replica_.admit(attempt, [] {}, now_), attempt);
  }
  void take(const Admission& admission, const PinAttempt& attempt) {
    if (admission.kind == Admission::Kind::asked) asked_.emplace_back(admission.claim, attempt);
    if (admission.ticket) passed_.push_back(*admission.ticket);
  }
  void decide(const std::string& claim) {
    const Admission admission = replica_.decide(claim, now_);
    must(admission.kind != Admission::Kind::asked);
    if (admission.ticket) passed_.push_back(*admission.ticket);
  }
  void lose() {
    replica_.disconnected(now_);
    linked_ = false;
  }

  core::Now now_{.steady = core::TimePoint(std::chrono::hours(1)),
                 .wall = core::WallTime(std::chrono::seconds(1'800'000'000))};
  PinGuard guard_{GuardRules{}};
  FleetReplica replica_{guard_, "proxy0", now_};
  bool linked_ = false;
  std::uint8_t client_ = 0;
  std::vector<std::pair<std::string, PinAttempt>> asked_;
  std::vector<Ticket> passed_;
};

bool same(const resp::Value& a, const resp::Value& b) {
  return a.kind == b.kind && a.integer == b.integer && a.text == b.text &&
         std::ranges::equal(a.elements, b.elements, same);
}

} // namespace
} // namespace rproxyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const core::Bytes bytes(data + 1, size - 1);
  const auto answers = rproxyd::answers_in(bytes, std::size_t{data[0]} + 1);
  const auto whole = rproxyd::answers_in(bytes, bytes.size());
  rproxyd::must(std::ranges::equal(answers, whole, rproxyd::same));
  rproxyd::Guard guard;
  for (const auto& answer : answers) guard.hear(answer);
  guard.end();
  return 0;
}
