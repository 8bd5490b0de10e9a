// One worker: a loop on a thread of its own, its share of every listener, its relay sockets, and the
// Server that decides. Shares nothing with the others but the Service.
//
// A wake-up: each ready socket's datagrams go to the server, whose decisions are gathered as sends
// that refer to the received bytes; at its end, or when the buffers are used up, the sends leave in
// batches and the buffers are free again.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "libcore/event/acceptor.h"
#include "libcore/event/fd.h"
#include "libcore/event/loop.h"
#include "libcore/event/proxy_headers.h"
#include "libcore/event/stream.h"
#include "libcore/program/supervisor.h"
#include "turnd/relay/server.h"
#include "turnd/shell/datagram_batch.h"
#include "turnd/shell/datagram_buffers.h"
#include "turnd/shell/dtls_listener.h"
#include "turnd/shell/figures.h"
#include "turnd/shell/leaving.h"
#include "turnd/shell/listener.h"
#include "turnd/shell/peer_sockets.h"
#include "turnd/shell/relay_sockets.h"
#include "turnd/shell/service.h"
#include "turnd/shell/session_filter.h"
#include "turnd/shell/shared_peer_connections.h"
#include "turnd/shell/shared_reservations.h"
#include "turnd/shell/stream_client.h"
#include "turnd/shell/system_random.h"
#include "turnd/shell/udp_listener.h"
#include "turnd/shell/worker_offload.h"

namespace turnd {

class Worker final : public program::Worker, private event::DeadlineHandler {
 public:
  // Connections without an allocation; more are refused. TLS handshakes in progress count.
  static constexpr std::size_t kMaxUnprovenClients = 4096;

  // How often is asked whether a listener that a reload has taken away can go.
  static constexpr core::Duration kDepartureCheck = std::chrono::seconds(5);

  // With a bound (and for streams listening) socket for each listener. `service` must outlive the
  // worker.
  Worker(Service& service, ServerConfig config, std::vector<ListenerSocket> listeners);
  ~Worker() override;

  void run() override; // on the worker's thread, until drained or stopped

  // From any thread. After drain() nothing new is allocated, and run() returns when the last
  // allocation has ended; stop() ends it at once.
  void drain() override;
  void stop() override;
  void post(std::move_only_function<void()> work) override { loop_.post(std::move(work)); }

  // A reload: all of it at once, between two packets. From any thread.
  struct Change {
    ServerConfig config;
    std::shared_ptr<const Credentials> credentials;
    stun::NonceMaker nonces;
    std::vector<ListenerSocket> listeners;
  };
  void change_to(Change change);

  // Channels are relayed there, too, under the numbers [first, first + count). From any thread, before
  // run() or later; `kernel` must outlive it.
  void use_offload(KernelRelay& kernel, std::uint32_t first, std::uint32_t count);
  // The same after take_up(), of a kernel relay that was taken over: what was relayed there goes on without
  // a gap.
  void go_on_with_offload(KernelRelay& kernel, std::uint32_t first, std::uint32_t count);

  // From another process, before run(): connections and links first, then what clients have. `sockets`
  // of the state's relays and reservations, in their order.
  void take_up(LinkNumber link, LinkState& state, event::Fd connection);
  void take_up(LinkNumber link, LinkState& state, std::vector<event::Fd> passages);
  void take_up(ServerState& state, std::vector<event::Fd> sockets);
  void keep_ports(std::span<const core::SocketAddress> addresses) { server_.keep_ports(addresses); }

  // For another process, on the worker's thread: turnd/relay/take_over.h has the order. The links are
  // numbered from 0, listeners first; the descriptors are borrowed.
  Leaving listeners_leaving();
  void stop_reading();
  bool is_settled() const { return server_.is_settled(); }
  core::Result<Leaving> leave();
  void stay();
  void let_go();
  // Clients that are still served here after let_go(). From any thread.
  std::size_t left() const { return left_.load(std::memory_order_relaxed); }

  // After run() has returned.
  Counters counters() const { return server_.counters(); }
  SendLosses losses() const;
  std::uint64_t proxies_refused() const { return proxies_refused_; }

  // From any thread: `done` gets a copy, on the worker's. Many allocations are copied in slices, with
  // whatever else there is to do in between.
  static constexpr std::size_t kSessionsPerSlice = 256;
  using FiguresDone = std::move_only_function<void(WorkerFigures)>;
  using SessionsDone = std::move_only_function<void(std::vector<SessionView>)>;
  using EndDone = std::move_only_function<void(std::optional<SessionView>)>;
  void copy_figures(FiguresDone done);
  void copy_sessions(SessionFilter filter, SessionsDone done);
  void end_session(const SessionId& id, EndDone done); // nullopt: it is not this worker's

  // For this worker's parts, on its thread.
  event::Loop& loop() { return loop_; }
  event::StreamBuffers& stream_buffers() { return stream_buffers_; }
  const Server& server() const { return server_; }
  Service& service() { return service_; }
  logging::Logger& log() { return service_.log(); }

  // Buffers of which at least one is free; what waits in them is sent first if need be.
  DatagramBuffers& buffers_with_room();
  void from_client(const FiveTuple& five_tuple, ClientLink& client, core::Bytes bytes,
                   const IpFields& ip = {});
  // Before bytes go away that a decision of from_client() may borrow, and that are not in the
  // DatagramBuffers.
  void flush_to_peers() { to_peers_.flush(); }
  void from_peer(RelayId relay, const PeerAddress& peer, const Packet& packet);
  void from_icmp(RelayId relay, const PeerAddress& peer, const IcmpError& error,
                 core::MutableBytes room);

  // For answers that a listener makes itself, to addresses that nobody has proven: they count as the
  // relay's own unauthenticated ones do.
  bool admit_answer(const core::IpAddress& source) {
    return server_.admit_unauthenticated_answer(source, loop_.now());
  }
  void give_back_answer(const core::IpAddress& source) {
    server_.give_back_answer(source, loop_.now());
  }
  void flush_at_end() { loop_.run_at_end(end_task_); }
  void datagram_client_gone(const FiveTuple& five_tuple);
  void stream_client_proven() { --unproven_; }
  void stream_client_closed(StreamClient& client); // retires it

  // RFC 6062: a peer's connection has come; one that was being made is there, or (empty) failed.
  void peer_arrived(RelayId relay, const PeerAddress& peer, event::Fd fd);
  void peer_connecting_ended(ConnectionNumber number, event::Fd fd);
  void count_tunnelled(Transport client, std::uint64_t to_peer, std::uint64_t to_client) {
    server_.count_tunnelled(client, to_peer, to_client);
  }
  void accepting_paused(int error);
  std::uint64_t& backlog_drops() { return backlog_drops_; }

 private:
  struct StreamListener {
    std::shared_ptr<const Listener> listener;
    std::shared_ptr<ClientFigures> clients = std::make_shared<ClientFigures>();
    std::unique_ptr<event::Acceptor> acceptor;    // none while draining, or out of service
    std::unique_ptr<event::ProxyHeaders> headers; // of connections that proxies opened

    Transport transport() const {
      return listener->settings.transport == Settings::Transport::tls ? Transport::tls
                                                                      : Transport::tcp;
    }
  };
  // worker_tcp_relay.cc
  void start_tunnel(const StartTunnel& command);
  void end_tunnel(const EndTunnel& command);
  void end_tunnel_here(const ConnectionId& id);

  // worker_figures.cc
  void count_slice(const SessionId& after, AllocationFigures so_far, FiguresDone done);
  void count_relay_slice(std::size_t first, std::uint64_t drops, const AllocationFigures& all,
                         FiguresDone done);
  WorkerFigures figures_now() const;
  void copy_slice(const SessionId& after, std::vector<SessionView> so_far, SessionFilter filter,
                  SessionsDone done);

  // worker_take_over.cc
  LinkOf link_of() const;
  void count_left();

  // worker_mobility.cc: to other workers, and on their behalf
  void ask(MobilityQuestion question);
  void asked(MobilityQuestion question);
  void answered(MobilityReply reply);
  void want(const AllocationWanted& wanted);
  void give(const AllocationWanted& wanted);
  void adopt(MovingAllocation moving, std::array<event::Fd, 2> sockets);

  void count_offloaded();

  void on_deadline(int kind) override;
  // worker_listeners.cc
  void set_listeners(std::vector<ListenerSocket> wanted);
  void let_departing_go();
  void close_departed();
  void set_stream_listener(std::shared_ptr<const Listener> wanted, event::Fd socket);
  void accepted(StreamListener& listener, event::Fd fd, const core::SocketAddress& peer);
  void start_client(const StreamListener& listener, event::Fd fd, const FiveTuple& five_tuple);
  bool too_many_unproven() const;
  void close_older(const FiveTuple& five_tuple);
  void carry_out(const Decision& decision);
  void send_from_other_listener(const ToClient& answer);
  void carry_out_commands();
  void flush();
  void end_of_wake_up();
  void hand_over_limits_hit();
  void drain_here();
  void end();

  Service& service_;
  event::Loop loop_;
  SystemRandom random_;
  RelaySockets relay_sockets_{*this};
  PeerSockets peer_sockets_{*this};
  WorkerPeerConnections peer_connections_{service_.peer_connections()};
  WorkerReservations reservations_{service_.reservations(), relay_sockets_};
  Server server_;
  WorkerOffload offload_{server_};
  DatagramBuffers buffers_;
  DatagramBatch to_peers_;
  event::StreamBuffers stream_buffers_;
  std::vector<std::unique_ptr<UdpListener>> udp_listeners_;
  std::vector<std::unique_ptr<DtlsListener>> dtls_listeners_;
  std::vector<std::unique_ptr<StreamListener>> stream_listeners_;
  std::unordered_map<FiveTuple, std::unique_ptr<StreamClient>, FiveTupleHash> stream_clients_;
  std::uint64_t proxies_refused_ = 0;
  std::uint64_t backlog_drops_ = 0;
  std::unordered_map<std::uint64_t, StreamClient*> tunnels_; // by ConnectionId::serial
  std::size_t unproven_ = 0;
  bool draining_ = false;
  bool given_ = false;                                   // to another process
  std::unordered_map<ClientTag, LinkNumber> leaving_;    // what is about to be
  std::unordered_map<LinkNumber, ClientLink*> taken_up_; // what came from another
  std::unordered_map<LinkNumber, DtlsListener*> taken_up_dtls_;
  std::atomic<std::size_t> left_ = 0;
  enum DeadlineKind : int { kServer, kLimitLog, kDeparture, kOffloadCount };
  core::Deadline deadline_{static_cast<event::DeadlineHandler*>(this), kServer};
  core::Deadline limit_log_deadline_{static_cast<event::DeadlineHandler*>(this), kLimitLog};
  core::Deadline departure_deadline_{static_cast<event::DeadlineHandler*>(this), kDeparture};
  core::Deadline offload_deadline_{static_cast<event::DeadlineHandler*>(this), kOffloadCount};
  event::MemberTask<Worker> end_task_{*this, &Worker::end_of_wake_up};
};

} // namespace turnd
