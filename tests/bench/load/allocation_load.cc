// Allocations at a TURN server: made at a rate (--rate, --seconds), or made and held (--hold N).
//
// Prints "begin" when measuring starts, "end" when it ends, then one line of JSON; holding, it waits for its input to end between.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/load/turn_flow.h"

namespace {

using Clock = std::chrono::steady_clock;

void say(const char* word) {
  std::puts(word);
  std::fflush(stdout);
}

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

int main(int argc, char** argv) {
  std::string server;
  double rate = 500;
  double seconds = 3;
  unsigned hold = 0;
  bench::Account account;
  CLI::App app("allocations at a TURN server");
  app.add_option("--server", server)->required();
  app.add_option("--rate", rate);
  app.add_option("--seconds", seconds);
  app.add_option("--hold", hold, "so many, each with a channel to one peer");
  app.add_option("--user", account.user);
  app.add_option("--password", account.password);
  CLI11_PARSE(app, argc, argv);
  const auto address = core::SocketAddress::parse(server);
  if (!address) bench::give_up("--server");
  raise_descriptor_limit();

  std::vector<std::unique_ptr<bench::TurnFlow>> flows;
  const auto add = [&] {
    flows.push_back(std::make_unique<bench::TurnFlow>(
        bench::Carrier::udp, *address, static_cast<unsigned>(flows.size()), nullptr));
    flows.back()->allocate(account);
  };
  add(); // what a server does at its first one is not measured
  say("begin");
  const auto begin = Clock::now();
  if (hold > 0) {
    const core::SocketAddress peer(core::IpAddress::v4(127, 0, 0, 1), 9);
    while (flows.size() < hold + 1) {
      add();
      flows.back()->bind_channel(peer);
    }
  } else {
    const auto interval =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate));
    for (auto due = begin; due < begin + std::chrono::duration<double>(seconds); due += interval) {
      std::this_thread::sleep_until(due);
      add();
    }
  }
  say("end");
  if (hold > 0) static_cast<void>(std::getchar());
  std::printf("{\"units\": %zu, \"per_second\": %.0f}\n", flows.size() - 1,
              static_cast<double>(flows.size() - 1) /
                  std::chrono::duration<double>(Clock::now() - begin).count());
}
