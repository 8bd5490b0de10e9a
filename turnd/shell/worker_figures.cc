// What a worker shows of itself, copied for other threads. All allocations are never looked at in one
// go: whoever asks for thousands must not keep packets waiting.
#include <algorithm>
#include <utility>

#include "turnd/shell/worker.h"

namespace turnd {

void Worker::copy_figures(FiguresDone done) {
  loop_.post([this, done = std::move(done)]() mutable {
    count_offloaded();
    count_slice({}, {}, std::move(done));
  });
}

void Worker::count_slice(const SessionId& after, AllocationFigures so_far, FiguresDone done) {
  const auto last = server_.count_sessions(after, kSessionsPerSlice, loop_.now(), so_far);
  if (!last) return count_relay_slice(0, 0, so_far, std::move(done));
  loop_.post([this, last = *last, so_far, done = std::move(done)]() mutable {
    count_slice(last, so_far, std::move(done));
  });
}

// Asking for each relay socket's drops is a system call.
void Worker::count_relay_slice(std::size_t first, std::uint64_t drops, const AllocationFigures& all,
                               FiguresDone done) {
  const std::size_t end = std::min(first + kSessionsPerSlice, relay_sockets_.places());
  drops += relay_sockets_.queue_drops(first, end);
  if (end == relay_sockets_.places()) {
    WorkerFigures figures = figures_now();
    figures.allocations = all;
    figures.relay_queue_drops = drops + relay_sockets_.queue_drops_of_closed();
    return done(std::move(figures));
  }
  loop_.post([this, end, drops, all, done = std::move(done)]() mutable {
    count_relay_slice(end, drops, all, std::move(done));
  });
}

WorkerFigures Worker::figures_now() const {
  WorkerFigures figures;
  figures.counters = server_.counters();
  for (const auto& listener : udp_listeners_) figures.listeners.push_back(listener->figures());
  for (const auto& listener : dtls_listeners_) figures.listeners.push_back(listener->figures());
  for (const auto& listener : stream_listeners_) {
    figures.listeners.push_back({.transport = listener->transport(),
                                 .address = listener->listener->bound,
                                 .clients = *listener->clients,
                                 .queue_drops = 0});
  }
  figures.offload = server_.offload_figures();
  figures.losses = losses();
  figures.received = buffers_.batch_sizes();
  figures.backlog_drops = backlog_drops_;
  figures.buffer_bytes = stream_buffers_.pool.in_use() * core::ChunkPool::kChunkBytes;
  figures.tunnels = tunnels_.size();
  figures.proxies_refused = proxies_refused_;
  return figures;
}

void Worker::copy_sessions(SessionFilter filter, SessionsDone done) {
  loop_.post([this, filter = std::move(filter), done = std::move(done)]() mutable {
    count_offloaded();
    copy_slice({}, {}, std::move(filter), std::move(done));
  });
}

void Worker::copy_slice(const SessionId& after, std::vector<SessionView> so_far,
                        SessionFilter filter, SessionsDone done) {
  const auto known = static_cast<std::ptrdiff_t>(so_far.size());
  const auto last = server_.view_sessions(after, kSessionsPerSlice, loop_.now(), so_far);
  const auto others = std::remove_if(so_far.begin() + known, so_far.end(),
                                     [&](const SessionView& view) { return !filter.takes(view); });
  so_far.erase(others, so_far.end());
  if (!last) return done(std::move(so_far));
  loop_.post([this, last = *last, so_far = std::move(so_far), filter = std::move(filter),
              done = std::move(done)]() mutable {
    copy_slice(last, std::move(so_far), std::move(filter), std::move(done));
  });
}

void Worker::end_session(const SessionId& id, EndDone done) {
  loop_.post([this, id, done = std::move(done)]() mutable {
    count_offloaded();
    auto ended = server_.end_session(id, loop_.now());
    carry_out_commands();
    loop_.run_at_end(end_task_);
    if (ended) {
      log().info("session.ended", "an operator has ended an allocation",
                 logging::field("id", to_string(id)), logging::field("user", ended->user),
                 logging::field("client", ended->five_tuple.client));
    }
    done(std::move(ended));
  });
}

} // namespace turnd
