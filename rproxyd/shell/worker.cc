#include "rproxyd/shell/worker.h"

#include <algorithm>
#include <cstring>

#include "libcore/event/socket.h"
#include "rproxyd/http/http_date.h"

namespace rproxyd {
namespace {

AccessFormat format_of(Settings::AccessFormat format) {
  switch (format) {
    case Settings::AccessFormat::pexip:
      return AccessFormat::pexip;
    case Settings::AccessFormat::combined:
      return AccessFormat::combined;
    case Settings::AccessFormat::extended:
      return AccessFormat::extended;
    case Settings::AccessFormat::json:
      return AccessFormat::json;
  }
  return AccessFormat::pexip;
}

} // namespace

Worker::Worker(Service& service, WorkerChange change, bool first)
    : service_(service), backends_(loop_, buffers_, *service.log) {
  adopt_here(std::move(change));
  if (!first) return;
  health_checks_.emplace(*this);
  loop_.set_after(next_ticket_key_, service_.tickets->lasts(event::read_now().wall));
}

void Worker::adopt(WorkerChange change, std::move_only_function<void()> done) {
  loop_.post([this, change = std::move(change), done = std::move(done)]() mutable {
    adopt_here(std::move(change));
    done();
  });
}

void Worker::adopt_here(WorkerChange change) {
  flush_access_log();
  generation_ = std::move(change.generation);
  backends_.adopt(generation_, std::move(change.contexts));
  if (health_checks_) {
    health_checks_->adopt(*generation_);
    // Shared keys change at moments of their own.
    if (!settings().session_tickets.empty())
      loop_.set_after(next_ticket_key_, service_.tickets->lasts(loop_.now().wall));
  }
  for (ClientConnection* client : clients()) client->adopt(generation_);
  close_listeners_that_are_gone();
  if (!accepting_) return;
  for (auto& [listener, socket] : change.sockets) add_listener(listener, std::move(socket));
}

// Whoever was accepted by the kernel is served.
void Worker::close_listeners_that_are_gone() {
  for (auto& [id, listener] : listeners_) {
    if (const ListenerRules* rules = generation_->listener(id)) {
      listener.generation = generation_;
      listener.figures->transport = rules->settings.tls ? "https" : "http";
    } else {
      for (const auto& acceptor : listener.acceptors) acceptor->take_what_waits();
      listener.acceptors.clear();
    }
  }
  std::erase_if(listeners_, [](const auto& each) {
    return each.second.acceptors.empty() && each.second.headers->waiting() == 0;
  });
}

void Worker::add_listener(ListenerId listener, event::Fd socket) {
  Listener& added = listeners_[listener];
  const int fd = socket.get();
  added.acceptors.push_back(std::make_unique<event::Acceptor>(
      loop_, std::move(socket),
      [this, listener](event::Fd accepted_fd, const core::SocketAddress& peer) {
        accepted(listener, std::move(accepted_fd), peer);
      },
      [this](int error) { accepting_paused(error); }));
  if (added.headers) return; // it has been here before
  added.generation = generation_;
  added.address = event::local_address(fd).to_string();
  added.figures = &figures_.listener(added.address);
  added.headers = std::make_unique<event::ProxyHeaders>(
      loop_,
      [this, listener](event::Fd client, const core::SocketAddress& proxy,
                       const std::optional<proxy_protocol::Endpoints>& endpoints) {
        const core::SocketAddress own = event::local_address(client.get());
        start_client(listener, std::move(client), endpoints ? endpoints->source : proxy,
                     endpoints ? endpoints->destination : own);
      },
      [this](const core::SocketAddress& proxy, std::string_view why) {
        figures_.note(ConnectionRefusal::proxy_header);
        log().warning("proxy.refused", "a proxy's connection was closed",
                      logging::field("proxy", proxy), logging::field("reason", why));
      });
}

void Worker::stop_accepting() {
  accepting_ = false;
  for (auto& [id, listener] : listeners_) listener.acceptors.clear();
}

void Worker::take_what_waits() {
  for (auto& [id, listener] : listeners_) {
    for (const auto& acceptor : listener.acceptors) acceptor->take_what_waits();
  }
}

std::vector<std::pair<ListenerId, event::Fd>> Worker::listening_sockets() const {
  std::vector<std::pair<ListenerId, event::Fd>> sockets;
  for (const auto& [id, listener] : listeners_) {
    for (const auto& acceptor : listener.acceptors) sockets.emplace_back(id, acceptor->copy());
  }
  return sockets;
}

void Worker::pause_accepting() {
  for (auto& [id, listener] : listeners_) {
    for (const auto& acceptor : listener.acceptors) acceptor->pause();
  }
}

void Worker::resume_accepting() {
  for (auto& [id, listener] : listeners_) {
    for (const auto& acceptor : listener.acceptors) acceptor->resume();
  }
}

Worker::~Worker() { door_->close(); }

void Worker::run() {
  loop_.run();
  flush_access_log();
}

void Worker::drain() {
  loop_.post([this] { drain_here(); });
}

void Worker::stop() {
  loop_.post([this] { end(); });
}

void Worker::hand_over() {
  loop_.post([this] { hand_over_here(); });
}

// Closing a listening socket resets the connections that wait in it: they are taken first.
void Worker::drain_here() {
  draining_ = true;
  take_what_waits();
  stop_accepting();
  for (ClientConnection* client : clients()) client->drain();
  on_deadline(kLookIfIdle);
}

// The other process has the same sockets: nothing is reset.
void Worker::hand_over_here() {
  draining_ = true;
  take_what_waits(); // of a listener that the other one doesn't want
  stop_accepting();
  if (health_checks_) health_checks_->stop();
  for (ClientConnection* client : clients()) client->leave();
  on_deadline(kLookIfIdle);
}

bool Worker::is_idle() const {
  return clients_.empty() && std::ranges::all_of(listeners_, [](const auto& each) {
           return each.second.headers->waiting() == 0;
         });
}

// What is still in progress is broken off; run() returns once this wake-up has ended.
void Worker::end() {
  draining_ = false;
  stop_accepting();
  for (ClientConnection* client : clients()) client->close();
  if (health_checks_) health_checks_->stop();
  loop_.cancel(next_ticket_key_);
  loop_.cancel(look_if_idle_);
  backends_.close_kept();
  loop_.stop();
}

// A copy, since they leave the table while it is gone through.
std::vector<ClientConnection*> Worker::clients() const {
  std::vector<ClientConnection*> all;
  all.reserve(clients_.size());
  for (const auto& [client, owned] : clients_) all.push_back(client);
  return all;
}

std::string_view Worker::http_date() {
  if (http_date_.empty() || http_date_of_ != loop_.now().wall) {
    http_date_of_ = loop_.now().wall;
    http_date_ = rproxyd::http_date(http_date_of_);
  }
  return http_date_;
}

// A trusted proxy says whose connection it is; from anybody else a PROXY header is no HTTP.
void Worker::accepted(ListenerId listener, event::Fd fd, const core::SocketAddress& peer) {
  const Listener& at = listeners_.at(listener);
  const ListenerRules* rules = at.generation->listener(listener);
  if (rules->settings.proxy_protocol && settings().trusted_proxies.contains(peer.ip())) {
    event::ProxyHeaders& headers = *at.headers;
    if (headers.waiting() < kMaxWaitingForHeader) {
      headers.expect(std::move(fd), peer);
    } else {
      figures_.note(ConnectionRefusal::proxy_header_wait);
    }
    return;
  }
  const core::SocketAddress own = event::local_address(fd.get());
  start_client(listener, std::move(fd), peer, own);
}

void Worker::start_client(ListenerId listener, event::Fd fd, const core::SocketAddress& peer,
                          const core::SocketAddress& local) {
  if (refuses(peer)) return figures_.note(ConnectionRefusal::banned);
  auto ticket =
      service_.connections.admit(peer.ip(), settings().trusted_proxies.contains(peer.ip()));
  if (!ticket) {
    log().debug("connection.refused", "a limit is reached", logging::field("client", peer),
                logging::field("limit", ticket.error()));
    figures_.note(ticket.error() == ConnectionLimits::kInAll
                      ? ConnectionRefusal::connections
                      : ConnectionRefusal::connections_per_client);
    note_abuse(Abuse::connections, peer);
    return; // closes it
  }
  const auto& generation = listeners_.at(listener).generation;
  auto client = std::make_unique<ClientConnection>(*this, generation, listener, peer, local,
                                                   *std::move(ticket));
  ClientConnection* raw = client.get();
  if (!client->start(std::move(fd), generation->listener(listener)->tls)) return;
  if (generation != generation_) client->adopt(generation_);
  clients_.emplace(raw, std::move(client));
}

void Worker::turn_unreachable(const core::SocketAddress& turnd, std::string_view why) {
  ++figures_.turn_unreachable;
  log().warning("turn.unreachable", "TURN can't be passed on", logging::field("turnd", turnd),
                logging::field("reason", why));
}

// A ban is a client's, never that of a proxy which carries others (proxy rule 14).
bool Worker::refuses(const core::SocketAddress& peer) {
  if (generation_->guard == nullptr) return false;
  const ClientIdentity identity = identify_client({}, peer, true, settings().trusted_proxies);
  return !identity.trusted && generation_->guard->refuses_connection(identity.address, loop_.now());
}

void Worker::on_deadline(int kind) {
  if (kind == kLookIfIdle) {
    if (!draining_) return;
    return is_idle() ? end() : loop_.set_after(look_if_idle_, kLookAgain);
  }
  turn_ticket_keys();
}

// The next moment is another one when they are shared from now on, or no longer.
void Worker::turn_ticket_keys() {
  service_.tickets->turn(loop_.now().wall);
  loop_.set_after(next_ticket_key_, service_.tickets->lasts(loop_.now().wall));
}

void Worker::accepting_paused(int error) {
  ++figures_.accept_pauses;
  log().warning("accept.failed", "no connection can be accepted for a moment",
                logging::field("reason", std::string_view(std::strerror(error))));
}

void Worker::client_closed(ClientConnection& client) {
  const auto found = clients_.find(&client);
  if (found == clients_.end()) return;
  loop_.retire(std::move(found->second));
  clients_.erase(found);
  if (draining_ && is_idle()) end();
}

void Worker::backend_reachable(SharedPool& pool, BackendId backend) {
  if (!pool.reachable(backend, loop_.now().steady)) return;
  log().info("backend.reachable", "the node answers again",
             logging::field("node", pool.backend(backend)->name));
}

void Worker::backend_unreachable(SharedPool& pool, BackendId backend, std::string_view why) {
  if (pool.unreachable(backend, loop_.now().steady, why)) backend_rests(pool, backend, why);
}

void Worker::backend_rests(SharedPool& pool, BackendId backend, std::string_view why) const {
  log().warning("backend.unreachable", "the node can't be reached and is left alone for a while",
                logging::field("node", pool.backend(backend)->name), logging::field("reason", why));
}

void Worker::backend_checked(SharedPool& pool, BackendId backend, CheckResult result,
                             std::string_view why) {
  const core::TimePoint now = loop_.now().steady;
  if (!pool.checked(backend, result, now, why)) return;
  const auto node = logging::field("node", pool.backend(backend)->name);
  const auto reason = logging::field("reason", why);
  switch (pool.status(backend, now).health) {
    case BackendHealth::State::up:
      return log().info("backend.up", "the node passes its checks again", node);
    case BackendHealth::State::maintenance:
      return log().info("backend.maintenance",
                        "the node is in maintenance: it keeps its clients and gets no new ones",
                        node, reason);
    case BackendHealth::State::down:
      return log().warning("backend.down", "the node fails its checks and gets no requests", node,
                           reason);
  }
}

void Worker::log_exchange(const Exchange& exchange) {
  const AccessRecord record = exchange.record();
  append_access_line(record);
  if (exchange.trouble().empty()) return;
  log().info(
      "exchange.trouble", exchange.trouble(), logging::field("request_id", record.request_id),
      logging::field("client", record.client.to_string()), logging::field("method", record.method),
      logging::field("target", filtered(record.target)), logging::field("status", record.status));
}

void Worker::note_abuse(Abuse kind, const core::SocketAddress& client) {
  service_.abuse.note(kind, client, loop_.now(), log());
}

void Worker::note_flood(std::string_view what, const core::SocketAddress& client) {
  service_.abuse.note_flood(what, client, loop_.now(), log());
}

void Worker::log_refusal(const core::SocketAddress& peer, const RequestHead& head,
                         std::uint16_t status, std::string_view why) {
  figures_.malformed.statuses.note(status);
  append_access_line({.client = peer.ip(),
                      .time = loop_.now().wall,
                      .method = head.method,
                      .target = head.target,
                      .version = head.version,
                      .status = status});
  log().info("request.refused", why, logging::field("client", peer),
             logging::field("status", status));
}

void Worker::append_access_line(const AccessRecord& record) {
  if (!generation_->access_log) return;
  line_.clear();
  append_line(line_, format_of(settings().log.access_format), record);
  logging::LineFile::batch(access_lines_, line_);
  loop_.run_at_end(access_log_task_);
}

WorkerFigures Worker::snapshot() const {
  WorkerFigures figures = figures_;
  for (const auto& [id, listener] : listeners_) {
    const ListenerRules* rules = generation_->listener(id);
    if (rules == nullptr) continue;
    ListenerFigures& of = figures.listener(listener.address);
    of.transport = rules->settings.tls ? "https" : "http";
    of.number = static_cast<std::uint32_t>(id);
    of.listening = true;
  }
  figures.kept = backends_.kept();
  figures.backends = buffers_.traffic;
  figures.buffered_bytes = buffers_.pool.in_use() * core::ChunkPool::kChunkBytes;
  // The file is one for all workers: one of them tells.
  if (health_checks_ && generation_->access_log)
    figures.access_lines_lost = generation_->access_log->lost();
  return figures;
}

void Worker::flush_access_log() {
  if (access_lines_.empty()) return;
  generation_->access_log->append_batch(access_lines_);
  access_lines_.clear();
}

} // namespace rproxyd
