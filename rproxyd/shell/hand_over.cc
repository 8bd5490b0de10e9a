#include "rproxyd/shell/hand_over.h"

#include <memory>
#include <mutex>
#include <semaphore>
#include <utility>

#include "libcore/event/socket.h"
#include "rproxyd/shell/given_state.h"
#include "rproxyd/shell/inheritance.h"

namespace rproxyd {
namespace {

using nlohmann::json;

core::Result<void> add_all(take_over::Portions& to, const std::vector<json>& messages) {
  for (const json& message : messages) {
    if (auto added = to.add(message); !added) return added;
  }
  return {};
}

} // namespace

HandOver::HandOver(Service& service, std::vector<Worker*> workers, program::Supervisor& supervisor)
    : service_(service),
      workers_(std::move(workers)),
      supervisor_(supervisor),
      successor_(*service.log) {}

core::Result<void> HandOver::offer(take_over::Portions& to) {
  if (supervisor_.draining()) return core::failure("it is ending already");
  offered_ = service_.generation();
  if (auto added = to.add({{"what", "rproxyd"}, {"version", kStateVersion}}); !added) return added;

  // Copies, which a reload can't close meanwhile.
  struct Copies {
    std::mutex mutex; // a worker that is late adds to them when they have been sent
    std::vector<std::pair<ListenerId, event::Fd>> sockets;
  };
  const auto copies = std::make_shared<Copies>();
  if (!on_workers([copies](Worker& worker) {
        auto sockets = worker.listening_sockets();
        const std::lock_guard lock(copies->mutex);
        for (auto& each : sockets) copies->sockets.push_back(std::move(each));
      })) {
    return core::failure("a worker does not answer");
  }
  const std::lock_guard lock(copies->mutex);
  for (const ListenerRules& listener : offered_->listeners) {
    std::vector<int> sockets;
    for (const auto& [id, fd] : copies->sockets) {
      if (id == listener.id) sockets.push_back(fd.get());
    }
    if (sockets.empty()) continue;
    const json message{{"what", "listener"},
                       {"address", listener.settings.address.to_string()},
                       {"bound", event::local_address(sockets.front()).to_string()}};
    if (auto added = to.add(message, sockets); !added) return added;
  }
  event::Fd http;
  if (const std::lock_guard admin_lock(admin_mutex_); admin_ != nullptr)
    http = admin_->http_socket();
  if (http) {
    const int socket = http.get();
    const core::SocketAddress bound = event::local_address(socket);
    const core::SocketAddress configured = offered_->settings.admin.address.value_or(bound);
    const json message{
        {"what", "admin"}, {"address", configured.to_string()}, {"bound", bound.to_string()}};
    if (auto added = to.add(message, {&socket, 1}); !added) return added;
  }
  json salts = json::object();
  for (const auto& pool : offered_->pools) salts[pool->name()] = pool->key_salt();
  if (auto added = to.add({{"what", "key_salts"}, {"pools", std::move(salts)}}); !added)
    return added;
  const core::Secret keys = service_.tickets->exported();
  const std::string_view bytes = keys.reveal();
  return to.add({{"what", "ticket_keys"},
                 {"keys", json::binary(std::vector<std::uint8_t>(bytes.begin(), bytes.end()))}});
}

core::Result<void> HandOver::hand_over(take_over::Portions& to) {
  if (supervisor_.draining()) return core::failure("it is ending already");
  if (service_.generation() != offered_)
    return core::failure("the configuration was read again meanwhile: try once more");
  if (!on_workers([](Worker& worker) { worker.pause_accepting(); }))
    return core::failure("a worker does not answer");

  const core::Now now = event::read_now();
  if (offered_->guard) {
    const GuardState state = offered_->guard->give(
        [this](const PinAttempt& attempt, Outcome outcome) {
          successor_.tell(note_of(NotedAttempt{.attempt = attempt, .outcome = outcome}));
        },
        now);
    if (auto added = add_all(to, messages_of(state, now)); !added) return added;
  }
  for (const auto& pool : offered_->pools) {
    const PoolState state =
        pool->give([this, name = pool->name()](const core::IpAddress& client, BackendKey backend) {
          successor_.tell(note_of(NotedHome{.pool = name, .client = client, .backend = backend}));
        });
    if (auto added = add_all(to, messages_of(pool->name(), state)); !added) return added;
  }
  return {};
}

void HandOver::resume() {
  stop_observing();
  successor_.forget();
  on_workers([](Worker& worker) { worker.resume_accepting(); });
}

void HandOver::given(std::shared_ptr<take_over::Channel> notes) {
  successor_.begin(std::move(notes));
  if (offered_->guard) offered_->guard->handed_over();
  if (const std::lock_guard lock(admin_mutex_); admin_ != nullptr) admin_->hand_over();
  supervisor_.hand_over(offered_->settings.take_over_timeout,
                        [this] { return service_.connections.connections(); });
}

void HandOver::stop_observing() {
  if (offered_->guard) offered_->guard->keep();
  for (const auto& pool : offered_->pools) pool->keep();
}

bool HandOver::on_workers(const std::function<void(Worker&)>& work) {
  const auto done = std::make_shared<std::counting_semaphore<>>(0);
  for (Worker* worker : workers_) {
    worker->post([worker, work, done] {
      work(*worker);
      done->release();
    });
  }
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!done->try_acquire_until(until)) return false;
  }
  return true;
}

} // namespace rproxyd
