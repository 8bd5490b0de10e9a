#include "turnd/shell/take_over_giver.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <utility>

#include "turnd/relay/take_over_format.h"
#include "turnd/shell/worker.h"

namespace turnd {
namespace {

// Of those who are asked; outlives whoever has given up waiting for them.
template <typename Result>
struct Gathered {
  explicit Gathered(std::size_t count) : results(count), due(count) {}
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Result> results;
  std::size_t due;
};

core::Error too_slow() { return {"a worker of the running turnd does not answer"}; }

struct Nothing {};

// What would take its time as a value of JSON. It is gone with its last descriptor.
core::Result<event::Fd> in_memory(core::Bytes bytes) {
  event::Fd file(::memfd_create("turnd-take-over", MFD_CLOEXEC));
  while (file && !bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written <= 0) file.reset();
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (!file) return core::failure("there is no memory for what has to be given");
  return file;
}

} // namespace

template <typename Result>
bool TakeOverGiver::ask_all(std::vector<Result>& results, Result (*ask)(Worker&)) {
  auto answers = std::make_shared<Gathered<Result>>(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->loop().post([answers, ask, i, worker = workers_[i]] {
      Result result = ask(*worker);
      const std::lock_guard lock(answers->mutex);
      answers->results[i] = std::move(result);
      if (--answers->due == 0) answers->changed.notify_one();
    });
  }
  std::unique_lock lock(answers->mutex);
  if (!answers->changed.wait_for(lock, kWorkerAnswers, [&] { return answers->due == 0; })) {
    return false;
  }
  results = std::move(answers->results);
  return true;
}

void TakeOverGiver::set_admin(admin::Interface* admin) {
  const std::lock_guard lock(admin_mutex_);
  admin_ = admin;
}

core::Result<void> TakeOverGiver::offer(take_over::Portions& to) {
  if (supervisor_.draining()) return core::failure("it is about to end");
  {
    const std::lock_guard lock(admin_mutex_);
    const event::Fd http = admin_ != nullptr ? admin_->http_socket() : event::Fd();
    const int fd = http.get();
    if (http) {
      if (auto sent = to.add({{"admin", true}}, std::span(&fd, 1)); !sent) return sent;
    }
  }
  if (auto sent = offload_.offer(to); !sent) return sent;
  std::vector<Leaving> leaving;
  const bool answered =
      ask_all<Leaving>(leaving, [](Worker& worker) { return worker.listeners_leaving(); });
  if (!answered) return std::unexpected(too_slow());
  return send(to, std::move(leaving));
}

core::Result<void> TakeOverGiver::hand_over(take_over::Portions& to) {
  stopped_ = event::read_now().steady;
  std::vector<Nothing> stopped;
  const bool all_stopped = ask_all<Nothing>(stopped, [](Worker& worker) {
    worker.stop_reading();
    return Nothing();
  });
  if (!all_stopped) return std::unexpected(too_slow());
  if (auto settled = wait_until_settled(); !settled) return settled;

  std::vector<core::Result<Leaving>> left;
  const bool all_left =
      ask_all<core::Result<Leaving>>(left, [](Worker& worker) { return worker.leave(); });
  if (!all_left) return std::unexpected(too_slow());
  std::vector<Leaving> leaving;
  for (auto& each : left) {
    if (!each) return std::unexpected(each.error());
    leaving.push_back(*std::move(each));
  }
  return send(to, std::move(leaving));
}

// What one worker has posted to another before a round has been handled when the round is over. So
// after the last unsettled one a few more bring home what only a posted value knows of.
core::Result<void> TakeOverGiver::wait_until_settled() {
  constexpr int kRoundsAfterwards = 3; // turnd/relay/mobility.h: wanted, moving, and its arrival
  int quiet = 0;
  for (int round = 0; round < kMaxRounds && quiet <= kRoundsAfterwards; ++round) {
    std::vector<char> answers;
    const bool answered = ask_all<char>(
        answers, [](Worker& worker) { return static_cast<char>(worker.is_settled() ? 1 : 0); });
    if (!answered) return std::unexpected(too_slow());
    const bool all = std::ranges::all_of(answers, [](char each) { return each != 0; });
    quiet = all ? quiet + 1 : 0;
  }
  if (quiet == 0) return core::failure("an allocation is on its way between two workers");
  return {};
}

// Each worker has numbered its links from 0. Here all listeners come first, so that they have the numbers
// that they were offered with.
core::Result<void> TakeOverGiver::send(take_over::Portions& to, std::vector<Leaving> leaving) {
  TakeOverState state;
  state.nonce_key = service_.keys().nonces;
  state.ticket_key = service_.keys().tickets;
  std::vector<int> sockets;
  std::vector<std::vector<LinkNumber>> numbers(leaving.size()); // by worker and its own number
  for (const auto kind : {LinkState::Kind::listener, LinkState::Kind::connection}) {
    for (std::size_t worker = 0; worker < leaving.size(); ++worker) {
      Leaving& each = leaving[worker];
      for (std::size_t i = 0; i < each.links.size(); ++i) {
        if (each.links[i].kind != kind) continue;
        numbers[worker].push_back(static_cast<LinkNumber>(state.links.size()));
        sockets.insert(sockets.end(), each.link_sockets[i].begin(), each.link_sockets[i].end());
        state.links.push_back(std::move(each.links[i]));
      }
    }
  }
  for (std::size_t worker = 0; worker < leaving.size(); ++worker) {
    const auto number = [&](LinkNumber& link) {
      link = numbers[worker][static_cast<std::size_t>(link)];
    };
    ServerState& server = leaving[worker].server;
    for (AllocationState& allocation : server.allocations) {
      if (allocation.link) number(*allocation.link);
    }
    for (ArrivalState& arrival : server.arrivals) number(arrival.link);
    state.servers.push_back(std::move(server));
  }
  for (const Leaving& each : leaving) {
    sockets.insert(sockets.end(), each.relay_sockets.begin(), each.relay_sockets.end());
  }
  allocations_ = 0;
  for (const ServerState& server : state.servers) allocations_ += server.allocations.size();

  const TakeOverBytes bytes = encode(state);
  auto file = in_memory(bytes.bytes());
  if (!file) return std::unexpected(file.error());
  sockets.insert(sockets.begin(), file->get());
  return to.add({{"turnd", bytes.bytes().size()}}, sockets);
}

void TakeOverGiver::resume() {
  for (Worker* worker : workers_) {
    worker->loop().post([worker] { worker->stay(); });
  }
}

void TakeOverGiver::given(std::shared_ptr<take_over::Channel> notes) {
  notes_ = std::move(notes);
  offload_.stop(); // the interfaces are the new process's, or free for it
  const auto paused =
      std::chrono::duration_cast<std::chrono::microseconds>(event::read_now().steady - stopped_);
  service_.log().info("take_over.gave", "what clients have is the new process's",
                      logging::field("allocations", allocations_),
                      logging::field("paused_us", paused.count()));
  { // first: the process may end as soon as its workers have nothing left
    const std::lock_guard lock(admin_mutex_);
    if (admin_ != nullptr) admin_->hand_over();
  }
  for (Worker* worker : workers_) {
    worker->loop().post([worker] { worker->let_go(); });
  }
  supervisor_.hand_over(service_.settings()->take_over_timeout, [workers = workers_] {
    std::size_t left = 0;
    for (const Worker* worker : workers) left += worker->left();
    return left;
  });
}

} // namespace turnd
