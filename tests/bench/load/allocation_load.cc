// Allocations at a TURN server: made at a rate (--rate, --seconds), then as many as it makes and at half of that (--saturate);
// or made and held (--hold N).
//
// Prints "begin" and "end" around each stretch, then one line of JSON; holding, it waits for its input to end between.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/bench/load/pace.h"
#include "tests/bench/load/process.h"
#include "tests/bench/load/turn_flow.h"

namespace bench {
namespace {

// So many clients wait for an answer while saturating, and so many allocations are made then: descriptors are limited.
constexpr unsigned kAtOnce = 8;
constexpr std::uint64_t kMost = 3000;

class Clients {
 public:
  Clients(const core::SocketAddress& server, const Account& account)
      : server_(server), account_(account) {}

  TurnFlow& add() {
    auto flow = std::make_unique<TurnFlow>(Carrier::udp, server_, next_++, nullptr);
    flow->allocate(account_);
    const std::scoped_lock lock(mutex_);
    return *flows_.emplace_back(std::move(flow));
  }

 private:
  const core::SocketAddress server_;
  const Account account_;
  std::atomic<unsigned> next_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<TurnFlow>> flows_;
};

void hold(Clients& clients, unsigned count) {
  const core::SocketAddress peer(core::IpAddress::v4(127, 0, 0, 1), 9);
  say("begin");
  for (unsigned i = 0; i < count; ++i) clients.add().bind_channel(peer);
  say("end");
  static_cast<void>(std::getchar());
  std::printf("{\"units\": %u}\n", count);
}

Outcome measured(const Pace& pace, Clients& clients) {
  say("begin");
  Outcome outcome = work(pace, [&] { clients.add(); });
  say("end");
  return outcome;
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
  std::string server;
  double rate = 500;
  double seconds = 3;
  double saturate = 0;
  unsigned hold = 0;
  bench::Account account;
  CLI::App app("allocations at a TURN server");
  app.add_option("--server", server)->required();
  app.add_option("--rate", rate);
  app.add_option("--seconds", seconds);
  app.add_option("--saturate", saturate, "seconds, at most; then as long at half of what came");
  app.add_option("--hold", hold, "so many, each with a channel to one peer");
  app.add_option("--user", account.user);
  app.add_option("--password", account.password);
  CLI11_PARSE(app, argc, argv);
  const auto address = core::SocketAddress::parse(server);
  if (!address) bench::give_up("--server");
  bench::raise_descriptor_limit();

  bench::Clients clients(*address, account);
  clients.add(); // what a server does at its first one is not measured
  if (hold > 0) {
    bench::hold(clients, hold);
    return 0;
  }
  const bench::Outcome moderate = bench::measured({.rate = rate, .seconds = seconds}, clients);
  bench::Outcome saturated;
  bench::Outcome half;
  if (saturate > 0) {
    saturated = bench::measured(
        {.seconds = saturate, .at_once = bench::kAtOnce, .most = bench::kMost}, clients);
    half = bench::measured({.rate = saturated.per_second() / 2,
                            .seconds = saturate,
                            .at_once = bench::kAtOnce,
                            .most = bench::kMost},
                           clients);
  }
  std::printf(
      "{\"units\": %lu, \"per_second\": %.0f, \"saturated\": %.0f, \"half\": %.0f, "
      "\"latency\": %s}\n",
      moderate.units, moderate.per_second(), saturate > 0 ? saturated.per_second() : 0,
      saturate > 0 ? half.per_second() : 0, half.latencies.json().c_str());
}
