// One worker: a loop on a thread of its own, its share of every listener, its clients and its
// connections to backends. Shares nothing with the others but the Service.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libcore/event/acceptor.h"
#include "libcore/event/loop.h"
#include "libcore/event/proxy_headers.h"
#include "libcore/event/stream.h"
#include "libcore/program/supervisor.h"
#include "rproxyd/shell/backend_connections.h"
#include "rproxyd/shell/client_connection.h"
#include "rproxyd/shell/figures.h"
#include "rproxyd/shell/folder_files.h"
#include "rproxyd/shell/health_checks.h"
#include "rproxyd/shell/loop_door.h"
#include "rproxyd/shell/request_ids.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

// What a worker takes up with a generation.
struct WorkerChange {
  std::shared_ptr<const Generation> generation;
  ClientContexts contexts;
  std::vector<std::pair<ListenerId, event::Fd>> sockets; // of listeners that are new
};

class Worker final : public program::Worker, private event::DeadlineHandler {
 public:
  // Connections of trusted proxies whose PROXY header has not come yet; more are closed.
  static constexpr std::size_t kMaxWaitingForHeader = 1024;
  // While draining: how often it is looked whether those have gone, too.
  static constexpr core::Duration kLookAgain = std::chrono::seconds(1);

  // `service` must outlive the worker.
  // One of all workers is the `first`: it does what is done once, checks of the backends and new keys
  // for TLS tickets.
  Worker(Service& service, WorkerChange change, bool first);
  ~Worker() override;

  void run() override; // on the worker's thread, until drained or stopped

  // From any thread. After drain() nothing new is accepted, and run() returns when what is in
  // progress has ended; stop() ends it at once.
  void drain() override;
  void stop() override;
  // As drain(), for clients that another process may serve from now on: none of their requests is lost.
  void hand_over() override;
  // From any thread: the worker goes by another generation from now on. `done` is called by its thread.
  void adopt(WorkerChange change, std::move_only_function<void()> done);

  void post(std::move_only_function<void()> work) override { loop_.post(std::move(work)); }

  WorkerFigures snapshot() const; // on its thread

  // For a process that takes over, on its thread: copies of what listens here, and a pause in which
  // connections wait.
  std::vector<std::pair<ListenerId, event::Fd>> listening_sockets() const;
  void pause_accepting();
  void resume_accepting();

  // For this worker's parts, on its thread.
  event::Loop& loop() { return loop_; }
  const std::shared_ptr<LoopDoor>& door() const { return door_; }
  event::StreamBuffers& buffers() { return buffers_; }
  BackendConnections& backends() { return backends_; }
  FolderFiles& files() { return files_; }
  Service& service() const { return service_; }
  const std::shared_ptr<const Generation>& generation() const { return generation_; }
  const Settings& settings() const { return generation_->settings; }
  logging::Logger& log() const { return *service_.log; }
  std::string_view http_date();
  RequestIds& request_ids() { return request_ids_; }
  WorkerFigures& figures() { return figures_; }
  ListenerFigures& listener_figures(ListenerId listener) {
    return *listeners_.at(listener).figures;
  }

  void accepted(ListenerId listener, event::Fd fd, const core::SocketAddress& peer);
  void client_closed(ClientConnection& client); // retires it
  void turn_unreachable(const core::SocketAddress& turnd, std::string_view why);
  void backend_reachable(SharedPool& pool, BackendId backend);
  void backend_unreachable(SharedPool& pool, BackendId backend, std::string_view why);
  void backend_checked(SharedPool& pool, BackendId backend, CheckResult result,
                       std::string_view why);
  void backend_rests(SharedPool& pool, BackendId backend, std::string_view why) const; // says so
  void log_exchange(const Exchange& exchange);
  void note_abuse(Abuse kind, const core::SocketAddress& client);
  void note_flood(std::string_view what, const core::SocketAddress& client);
  void log_refusal(const core::SocketAddress& peer, const RequestHead& head, std::uint16_t status,
                   std::string_view why);

 private:
  struct Listener {
    std::shared_ptr<const Generation> generation; // the last that has it
    std::unique_ptr<event::ProxyHeaders> headers;
    // More than one where another process had more workers; none: closed.
    std::vector<std::unique_ptr<event::Acceptor>> acceptors;
    std::string address; // with the port that they have got
    ListenerFigures* figures = nullptr;
  };

  void adopt_here(WorkerChange change);
  void close_listeners_that_are_gone();
  void add_listener(ListenerId listener, event::Fd socket);
  void stop_accepting();
  void on_deadline(int kind) override;
  void turn_ticket_keys();
  void start_client(ListenerId listener, event::Fd fd, const core::SocketAddress& peer,
                    const core::SocketAddress& local);
  void append_access_line(const AccessRecord& record);
  void flush_access_log();
  bool refuses(const core::SocketAddress& peer);
  void accepting_paused(int error);
  void drain_here();
  void hand_over_here();
  void take_what_waits();
  bool is_idle() const; // while draining: it can end
  void end();
  std::vector<ClientConnection*> clients() const;

  Service& service_;
  std::shared_ptr<const Generation> generation_;
  WorkerFigures figures_; // before the loop, which may be the last to hold a connection
  event::Loop loop_;
  const std::shared_ptr<LoopDoor> door_ = std::make_shared<LoopDoor>(loop_);
  event::StreamBuffers buffers_;
  FolderFiles files_{loop_};
  std::string line_;         // kept for its memory
  std::string access_lines_; // of this wake-up
  RequestIds request_ids_;
  std::string http_date_;
  core::WallTime http_date_of_{};
  bool draining_ = false;
  bool accepting_ = true;
  BackendConnections backends_;
  std::optional<HealthChecks> health_checks_;
  enum DeadlineKind { kNewTicketKey, kLookIfIdle };
  core::Deadline next_ticket_key_{static_cast<event::DeadlineHandler*>(this), kNewTicketKey};
  core::Deadline look_if_idle_{static_cast<event::DeadlineHandler*>(this), kLookIfIdle};
  std::unordered_map<ClientConnection*, std::unique_ptr<ClientConnection>> clients_;
  std::map<ListenerId, Listener> listeners_;
  event::MemberTask<Worker> access_log_task_{*this, &Worker::flush_access_log};
};

} // namespace rproxyd
