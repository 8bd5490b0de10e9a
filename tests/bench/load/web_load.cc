// HTTPS clients, for what h2load doesn't offer: connections one after the other, with a full or a resumed handshake
// (handshakes); connections that are held, idle (hold), with requests now and then (ask) or with an event stream each (hold
// --path /events), whose events are counted.
//
// Prints "begin" and "end" around each stretch that is measured, then one line of JSON; `hold` waits for its input to end
// between, or for --seconds.
#include <sys/epoll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "tests/bench/load/pace.h"
#include "tests/bench/load/process.h"
#include "tests/bench/load/web_client.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kAtOnce = 8; // handshakes, while saturating
constexpr double kOpenSeconds = 120;
constexpr auto kSettle = std::chrono::milliseconds(500);

Clock::duration in_seconds(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

Outcome shake_hands(const WebRequest& request, const Pace& pace, bool resumed) {
  std::atomic<std::uint64_t> reused = 0;
  say("begin");
  Outcome outcome = work(pace, [&] {
    WebClient client(request, resumed ? last_session().get() : nullptr);
    reused += client.resumed() ? 1 : 0;
    client.close();
  });
  say("end");
  if (reused != (resumed ? outcome.units : 0)) give_up("sessions are not resumed as asked for");
  return outcome;
}

void handshakes(const WebRequest& request, double rate, double seconds, double saturate,
                bool resumed) {
  WebClient(request, nullptr).close(); // what a server does at its first one is not measured
  const Outcome moderate = shake_hands(request, {.rate = rate, .seconds = seconds}, resumed);
  Outcome saturated;
  Outcome half;
  if (saturate > 0) {
    saturated = shake_hands(request, {.seconds = saturate, .at_once = kAtOnce}, resumed);
    half = shake_hands(
        request, {.rate = saturated.per_second() / 2, .seconds = saturate, .at_once = kAtOnce},
        resumed);
  }
  std::printf(
      "{\"units\": %lu, \"per_second\": %.1f, \"saturated\": %.0f, \"half\": %.0f, "
      "\"latency\": %s}\n",
      moderate.units, moderate.per_second(), saturate > 0 ? saturated.per_second() : 0,
      saturate > 0 ? half.per_second() : 0, half.latencies.json().c_str());
}

// Connections that stay open, and what comes on them.
class Held {
 public:
  Held(const WebRequest& request, std::size_t count, unsigned at_once) {
    std::mutex mutex;
    work({.seconds = kOpenSeconds, .at_once = at_once, .most = count}, [&] {
      WebClient client(request, nullptr);
      const std::scoped_lock lock(mutex);
      clients_.push_back(std::move(client));
    });
    if (clients_.size() < count) give_up("connections take too long");
  }

  void watch() {
    for (WebClient& client : clients_) {
      epoll_event e{.events = EPOLLIN, .data = {.ptr = &client}};
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.fd(), &e);
    }
    epoll_event input{.events = EPOLLIN | EPOLLHUP, .data = {.ptr = nullptr}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, 0, &input);
  }

  // Waits so long at most. False when the input has ended. Calls with each client that was read from.
  template <typename Read>
  bool turn(std::chrono::nanoseconds wait, Read read) {
    const auto most = std::max(wait, std::chrono::nanoseconds(0));
    const timespec time{.tv_sec = most / std::chrono::seconds(1),
                        .tv_nsec = (most % std::chrono::seconds(1)).count()};
    const int found = ::epoll_pwait2(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()),
                                     &time, nullptr);
    bool goes_on = true;
    for (int i = 0; i < found; ++i) {
      auto* client = static_cast<WebClient*>(ready_[static_cast<std::size_t>(i)].data.ptr);
      if (client == nullptr) {
        goes_on = false;
        continue;
      }
      client->drain();
      read(*client);
    }
    return goes_on;
  }

  std::deque<WebClient>& clients() { return clients_; }
  std::uint64_t events() const {
    std::uint64_t sum = 0;
    for (const WebClient& client : clients_) sum += client.events();
    return sum;
  }

 private:
  std::deque<WebClient> clients_;
  event::Fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::array<epoll_event, 256> ready_{};
};

void hold(const WebRequest& request, std::size_t count, double seconds) {
  const WebClient first(request, nullptr); // not measured
  say("begin");
  Held held(request, count, 1);
  say("end");
  held.watch();
  const auto ignore = [](WebClient&) {};
  if (seconds <= 0) {
    while (held.turn(std::chrono::milliseconds(100), ignore)) {
    }
    std::printf("{\"units\": %zu}\n", count);
    return;
  }
  const auto until = [&](Clock::time_point end) {
    while (Clock::now() < end) held.turn(std::chrono::milliseconds(100), ignore);
  };
  until(Clock::now() + std::chrono::seconds(1)); // what came by then is not of the time measured
  Latencies latencies;
  for (WebClient& client : held.clients()) client.count_latencies(&latencies);
  say("begin");
  const std::uint64_t before = held.events();
  until(Clock::now() + in_seconds(seconds));
  const std::uint64_t events = held.events() - before;
  say("end");
  std::printf("{\"units\": %lu, \"per_second\": %.1f, \"latency\": %s}\n", events,
              static_cast<double>(events) / seconds, latencies.json().c_str());
}

// Requests at a rate, on all connections in turn; latencies count from when each was due.
void ask(const WebRequest& request, std::size_t count, double rate, double seconds) {
  Held held(request, count, kAtOnce);
  held.watch();
  std::deque<WebClient*> free;
  for (WebClient& client : held.clients()) free.push_back(&client);
  std::unordered_map<WebClient*, Clock::time_point> asked;
  Latencies latencies;
  std::uint64_t answers = 0;
  bool measuring = false;
  const auto begin = Clock::now();
  std::uint64_t number = 0;
  const auto answered = [&](WebClient& client) {
    const auto found = asked.find(&client);
    if (found == asked.end() || !client.answered()) return;
    if (measuring) {
      latencies.add(Clock::now() - found->second);
      ++answers;
    }
    asked.erase(found);
    free.push_back(&client);
  };
  const auto until = [&](Clock::time_point end) {
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
      const auto due = begin + in_seconds(static_cast<double>(number) / rate);
      if (due <= now && !free.empty()) {
        WebClient* const client = free.front();
        free.pop_front();
        asked.emplace(client, due);
        client->ask_again();
        ++number;
      }
      // It sleeps: the origin has the same core.
      held.turn((free.empty() ? end : std::min(end, due)) - now, answered);
    }
  };
  until(begin + kSettle);
  say("begin");
  measuring = true;
  until(begin + kSettle + in_seconds(seconds));
  measuring = false;
  say("end");
  std::printf("{\"units\": %lu, \"per_second\": %.1f, \"latency\": %s}\n", answers,
              static_cast<double>(answers) / seconds, latencies.json().c_str());
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
  std::string server;
  bench::WebRequest request;
  double rate = 300;
  double seconds = 0;
  double saturate = 0;
  std::size_t count = 1000;
  bool resumed = false;
  CLI::App app("HTTPS clients");
  app.require_subcommand(1);
  app.add_option("--server", server)->required();
  app.add_flag("--h2", request.h2);
  app.add_option("--path", request.path);
  app.add_option("--seconds", seconds);
  CLI::App* const handshakes = app.add_subcommand("handshakes");
  handshakes->add_option("--rate", rate);
  handshakes->add_option("--saturate", saturate, "seconds; then as long at half of what came");
  handshakes->add_flag("--resumed", resumed);
  CLI::App* const hold = app.add_subcommand("hold");
  hold->add_option("--count", count);
  CLI::App* const ask = app.add_subcommand("ask");
  ask->add_option("--count", count);
  ask->add_option("--rate", rate, "requests a second, all connections together");
  CLI11_PARSE(app, argc, argv);
  const auto address = core::SocketAddress::parse(server);
  if (!address) bench::give_up("--server");
  request.server = *address;
  bench::raise_descriptor_limit();
  if (*handshakes) bench::handshakes(request, rate, seconds, saturate, resumed);
  if (*hold) bench::hold(request, count, seconds);
  if (*ask) bench::ask(request, count, rate, seconds);
}
