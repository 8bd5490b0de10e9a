// The TURN server of one worker, as a pure state machine: datagrams, frames and times go in,
// decisions come out (RFC 8489, RFC 8656).
//
// Calling contract
//   from_client(), from_peer(),     for each datagram or stream frame, and for what is told of those
//   from_icmp()                     that were sent. Carry the decision out before the next call: it
//                                   borrows.
//   poll_command()                  after every other call, until it gives nothing. After OpenRelay
//                                   call relay_opened() or relay_refused() and carry out the
//                                   decision: it is the answer to the Allocate that waits.
//   next_deadline(), advance()      advance() at or after next_deadline(), which any call may move.
//   client_gone()                   when a TCP or TLS connection or a DTLS session has ended.
//
// Nothing is allocated for a relayed packet, and nothing is kept for a client that has not
// authenticated.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "libcore/base/deadline_wheel.h"
#include "libcore/base/network.h"
#include "libcore/base/time.h"
#include "libcore/stun/channel_data.h"
#include "turnd/relay/allocation_table.h"
#include "turnd/relay/alternate.h"
#include "turnd/relay/answer_limiter.h"
#include "turnd/relay/answers.h"
#include "turnd/relay/authentication.h"
#include "turnd/relay/behaviour_discovery.h"
#include "turnd/relay/counters.h"
#include "turnd/relay/decision.h"
#include "turnd/relay/icmp.h"
#include "turnd/relay/limits_hit.h"
#include "turnd/relay/mobile_allocations.h"
#include "turnd/relay/mobility.h"
#include "turnd/relay/offload_table.h"
#include "turnd/relay/peer_connections.h"
#include "turnd/relay/peer_policy.h"
#include "turnd/relay/places.h"
#include "turnd/relay/ports.h"
#include "turnd/relay/quota.h"
#include "turnd/relay/random.h"
#include "turnd/relay/relay_table.h"
#include "turnd/relay/reservations.h"
#include "turnd/relay/session.h"
#include "turnd/relay/sibling_loads.h"
#include "turnd/relay/take_over.h"

namespace turnd {

// RFC 8656 section 3.2.
inline constexpr core::Duration kDefaultLifetime = std::chrono::seconds(600);

struct ServerLimits {
  core::Duration max_lifetime = std::chrono::seconds(3600);
  std::uint64_t bandwidth_per_allocation = Bandwidth::kNoLimit; // bytes per second
  std::size_t permissions_per_allocation = 128;
  std::size_t channels_per_allocation = 128;
  std::size_t connections_per_allocation = 64; // with peers of a TCP allocation
  AnswerLimiter::Rate unauthenticated_answers;
};

struct ServerConfig {
  std::vector<RelayAddress> relay_addresses; // used in turn; at least one
  PortRange ports;
  unsigned worker = 0; // of `workers`, which share the ports out among them
  unsigned workers = 1;
  PeerPolicy peers;
  std::vector<UdpListenerAddress> udp_listeners;   // for RFC 5780, where they form two times two
  core::NetworkList stun_clients;                  // who may ask for a Binding
  core::NetworkList turn_clients;                  // who may ask for anything else
  bool draft_dual_allocation = false;              // ADDITIONAL-ADDRESS-FAMILY as 0x8032, too
  bool tcp_relay = false;                          // RFC 6062
  bool mobility = false;                           // RFC 8016
  TicketMaker::Key ticket_key{};                   // random, the same for all workers
  std::uint16_t last_channel = stun::kLastChannel; // kLastChannelRfc5766 for older clients' sake
  ServerLimits limits;
  AlternateServers alternate;
};

class Server {
 public:
  // What all workers have in common.
  struct Shared {
    Quota& quota;
    Reservations& reservations;
    MobileAllocations& mobile_allocations;
    PeerConnections& peer_connections;
    SiblingLoads& sibling_loads;
  };

  // RFC 8656 section 7.2 asks for at least 30 s.
  static constexpr core::Duration kReservationLifetime = std::chrono::seconds(30);
  // Ports that others on this machine hold are passed over, this often.
  static constexpr std::uint8_t kMaxOpenAttempts = 16;
  // RFC 6062 sections 5.2 and 5.3: at least 30 s for a connection to be made, and 30 s for its
  // ConnectionBind.
  static constexpr core::Duration kConnectLimit = std::chrono::seconds(30);
  static constexpr core::Duration kConnectionBindLimit = std::chrono::seconds(30);
  // Mobile clients that have shown a ticket and not yet used their new address.
  static constexpr std::size_t kMaxArrivals = 4096;
  // An owner that has not answered in this time never will.
  static constexpr core::Duration kOwnerAnswerLimit = std::chrono::seconds(5);

  // What is referred to must outlive the server.
  Server(ServerConfig config, Authenticator authenticator, Shared shared, Random& random,
         core::TimePoint start);
  ~Server();

  // `ip`: of the datagram's header; nothing of a stream.
  Decision from_client(const FiveTuple& five_tuple, ClientTag client, core::Bytes bytes,
                       const core::Now& now, const IpFields& ip = {});
  // Writes the client's header around the payload, in place.
  Decision from_peer(RelayId relay, const PeerAddress& peer, const Packet& packet,
                     const core::Now& now);

  // Longer than a Data indication with an IPv6 peer and an ICMP attribute: 20 + 24 + 12 bytes.
  static constexpr std::size_t kIcmpRoom = 64;
  // Writes what the client is told into `room`, of kIcmpRoom bytes at least, which the decision
  // borrows. `peer`: whom the relay socket had sent to.
  Decision from_icmp(RelayId relay, const PeerAddress& peer, const IcmpError& error,
                     core::MutableBytes room, const core::Now& now);

  std::optional<Command> poll_command();
  Decision relay_opened(RelayId relay, const core::Now& now);
  Decision relay_refused(RelayId relay, const core::Now& now);

  // Connections with peers (RFC 6062). Where one has been made, PeerConnections::hold() takes its
  // socket within the call; who finds it not taken closes it.
  Decision peer_connected(ConnectionNumber number, const core::Now& now);
  Decision peer_unreachable(ConnectionNumber number);
  Decision peer_arrived(RelayId relay, const PeerAddress& peer, const core::Now& now);
  // Bytes that a tunnel has carried.
  void count_tunnelled(Transport client, std::uint64_t to_peer, std::uint64_t to_client) {
    counters_.to_peers[static_cast<std::size_t>(client)].bytes += to_peer;
    counters_.to_clients[static_cast<std::size_t>(client)].bytes += to_client;
  }

  std::optional<core::TimePoint> next_deadline() const { return deadlines_.next(); }
  void advance(const core::Now& now);
  // The allocation ends with it, unless it is a mobile one.
  void client_gone(const FiveTuple& five_tuple, const core::Now& now);

  // What other workers ask, and what they say: see turnd/relay/mobility.h. After adopt() the sockets
  // of moving.relays belong to the ids that stand there then; those that are left empty are closed.
  MobilityReply mobility_asked(MobilityQuestion question, const core::Now& now);
  Decision mobility_answered(MobilityReply reply, const core::Now& now);
  MovingAllocation hand_over(const AllocationWanted& wanted);
  void adopt(MovingAllocation& moving, const core::Now& now);

  // What another process gets or has given: see turnd/relay/take_over.h. state() is the same until
  // something else is called, and let_go() with the same links forgets what it told of: its sockets
  // are closed here, its ports stay taken.
  bool is_settled() const;
  ServerState state(const LinkOf& link_of, const core::Now& now) const;
  void let_go(const LinkOf& link_of);
  // The sockets belong to the ids that stand in `state` afterwards, those of reservations with
  // Reservations.
  void resume(ServerState& state, const TagOf& tag_of, const core::Now& now);
  // Ports that were dealt out before this server began, whoever has them.
  void keep_ports(std::span<const core::SocketAddress> addresses);

  // Offloading: see turnd/relay/offload.h. Until there are numbers for it there is none, and nothing is
  // said of it; with others, or none, whatever was offloaded has ended, and nothing more is to be told of
  // it. Tell several times a second what was counted of each that has begun, since it was told last; it
  // may lead to commands.
  static constexpr core::Duration kOffloadPause = std::chrono::seconds(1);
  void set_offload_numbers(std::uint32_t first, std::uint32_t count, const core::Now& now);
  void offload_counted(OffloadNumber number, const Traffic& to_peer, const Traffic& to_client,
                       const core::Now& now);
  void offload_refused(OffloadNumber number);
  void offload_ended(OffloadNumber number, const Traffic& to_peer, const Traffic& to_client,
                     const core::Now& now);
  OffloadFigures offload_figures() const;

  // From now on no Allocate succeeds; what is there lives on.
  void begin_drain() { draining_ = true; }
  // For the requests from now on: an allocation keeps the key that it was made with.
  void set_credentials(std::shared_ptr<const Credentials> credentials) {
    authenticator_.set_credentials(std::move(credentials));
  }
  void set_nonces(const stun::NonceMaker& nonces) { authenticator_.set_nonces(nonces); }
  // A reload. Its worker, their number and the key of tickets stay what they were. Allocations live on,
  // and keep their relay addresses, what they were told of them, and their lifetimes; their limits of
  // bandwidth and their peers are the new ones: a permission, a channel or a connection with a peer that
  // is forbidden now ends. See docs/decisions/0034-what-a-reload-takes-away.md.
  void set_config(ServerConfig config, const core::Now& now);

  // For what the shell answers itself before there is a message for the relay (DTLS cookies).
  bool admit_unauthenticated_answer(const core::IpAddress& source, const core::Now& now) {
    return limiter_.admit(source, now.steady);
  }
  void give_back_answer(const core::IpAddress& source, const core::Now& now) {
    limiter_.give_back(source, 1, now.steady);
  }

  // One that is coming counts.
  bool has_allocation(const FiveTuple& five_tuple) const {
    return allocations_.find(five_tuple) != nullptr || is_expected(five_tuple);
  }
  bool reaches_clients_by(ClientTag client) const;
  bool relays_tcp(const FiveTuple& five_tuple) const {
    const Allocation* allocation = allocations_.find(five_tuple);
    return allocation != nullptr && allocation->tcp != nullptr;
  }
  // Nothing is here, and nothing is coming.
  bool is_idle() const { return allocations_.size() == 0 && arrivals_.empty(); }
  std::size_t allocation_count() const { return allocations_.size(); }
  std::size_t relay_count() const { return relays_.size(); }
  Counters counters() const;

  // Slices of the allocations in the order of their ids, for who can't take all at once: those behind
  // `after` ({} to begin with), and where to go on; nullopt when that was the last one.
  std::optional<SessionId> view_sessions(const SessionId& after, std::size_t at_most,
                                         const core::Now& now,
                                         std::vector<SessionView>& views) const;
  std::optional<SessionId> count_sessions(const SessionId& after, std::size_t at_most,
                                          const core::Now& now, AllocationFigures& figures) const;
  // What was ended; nullopt: this worker hasn't got it.
  std::optional<SessionView> end_session(const SessionId& id, const core::Now& now);

  // What the limits held back since they were last taken, for the operator.
  LimitsHit& limits_hit() { return limits_hit_; }

 private:
  struct Request {
    const stun::Message& message;
    const core::Now& now;
    AnswerTo to;
    Allocation* allocation = nullptr; // on this five-tuple
    Identity identity;
  };
  enum DeadlineKind : int {
    kAllocationExpiry,
    kReservationExpiry,
    kArrivalExpiry,
    kConnectionLimit,
    kOffloadPaused = Offloaded::kPaused
  };
  struct Reservation { // made by this worker, taken or not
    ReservationToken token;
    std::size_t place;
    std::uint16_t port;
    core::Deadline expiry{this, kReservationExpiry};
  };

  // server.cc
  static std::span<const stun::Attribute> known_in_turn();
  bool is_expected(const FiveTuple& five_tuple) const;
  Decision message_from_client(const FiveTuple& five_tuple, ClientTag client, core::Bytes bytes,
                               const core::Now& now, const IpFields& ip);
  Decision turn_request(Request& request);
  static void take_newer_token(Allocation& allocation, const Identity& identity);
  Decision challenge(const Request& request, stun::ErrorCode code);
  bool may_answer_unauthenticated(const Request& request);
  Decision drop(DropReason reason); // counted
  Decision refuse(const Request& request, stun::ErrorCode code) {
    return answers_.error(request.to, code);
  }
  std::expected<Identity, Proof> identify(const stun::Message& message,
                                          const core::SocketAddress& client,
                                          const Authenticator::Known* known, const core::Now& now);
  void remove(Allocation& allocation, AllocationEnd end, const core::Now& now);
  void close_relay(RelayId relay, const core::Now& now);
  void release_port(std::size_t place, std::uint16_t port, const core::Now& now);
  void take_ports_home(const core::Now& now);
  core::SocketAddress advertised(RelayId relay) const;
  bool may_speak_to(const core::SocketAddress& peer) const;

  // sessions.cc
  template <typename Visit>
  std::optional<SessionId> visit_sessions(const SessionId& after, std::size_t at_most,
                                          Visit&& visit) const;
  SessionView view(const Allocation& allocation, const core::Now& now) const;
  void name_session(Allocation& allocation);

  // binding.cc
  Decision binding(Request& request);
  Decision binding_with_discovery(Request& request, const BehaviourDiscovery::Quartet& quartet);

  // data_path.cc
  Decision channel_data_from_client(const FiveTuple& five_tuple, core::Bytes bytes,
                                    const core::Now& now, const IpFields& ip);
  Decision send_indication(const FiveTuple& five_tuple, const stun::Message& message,
                           const core::Now& now, const IpFields& ip);
  Decision data_indication(Allocation& allocation, const PeerAddress& peer, const Packet& packet,
                           const IpFields& ip);
  bool has_bandwidth(Allocation& allocation, std::size_t bytes, const core::Now& now);
  Decision to_peer(Allocation& allocation, const PeerAddress& peer, core::Bytes payload,
                   const core::Now& now, const IpFields& ip);
  stun::TransactionId next_indication_id();
  Decision to_client(Allocation& allocation, core::Bytes bytes, std::size_t payload_bytes,
                     const IpFields& ip);

  // allocate.cc
  Decision allocate(Request& request);
  std::expected<Quota::Ticket, QuotaRefusal> ticket_for(const Request& request);
  Decision refuse_for_lack_of_room(const AnswerTo& to);
  Decision send_elsewhere(const AnswerTo& to);
  std::optional<Decision> send_to_less_busy(const Request& request);
  Decision send_to(const AnswerTo& to, const core::SocketAddress& server);
  Decision start_opening(Request& request, Opening opening);
  Decision take_reservation(Request& request, core::Bytes token, Opening opening);
  std::unique_ptr<Allocation> new_allocation(const Request& request, Quota::Ticket ticket) const;
  bool open_sockets(Allocation& allocation, const core::Now& now);
  bool open_socket(Allocation& allocation, core::Family family, const core::Now& now);
  bool open_pair(Allocation& allocation, const core::Now& now);
  void start_socket(Allocation& allocation, std::size_t place, std::uint16_t port, bool reserved,
                    std::optional<ReservationToken> reservation = std::nullopt);
  Allocation* waiting_for(RelayId relay);
  void abandon_socket(Allocation& allocation, RelayId relay, const core::Now& now);
  Decision opening_went_on(Allocation& allocation, const core::Now& now);
  Decision allocate_failed(Allocation& allocation, const core::Now& now);
  Decision allocate_succeeded(Allocation& allocation, const core::Now& now);
  void hold_reservation(Allocation& allocation, RelayId relay, const core::Now& now);
  Decision answer_allocate(const Allocation& allocation, const core::Now& now);
  core::Duration granted_lifetime(std::optional<std::uint32_t> requested,
                                  const std::optional<core::WallTime>& until,
                                  core::WallTime now) const;

  // refresh.cc
  Decision refresh(Request& request);
  std::expected<std::uint32_t, stun::ErrorCode> apply_refresh(Allocation& allocation,
                                                              const stun::Message& message,
                                                              const core::Now& now);

  // mobility.cc
  void make_mobile(Allocation& allocation);
  void add_ticket(stun::MessageBuilder& answer, const Allocation& allocation) const;
  Decision refresh_from_elsewhere(Request& request, const Ticket& ticket);
  Decision ask_owner(Arrival& arrival, std::vector<std::uint8_t> refresh, const core::Now& now);
  Decision refuse_arrival(Arrival& arrival, const MobilityReply& reply, const core::Now& now);
  Decision nowhere_to_be_found(Arrival& arrival, core::Bytes refresh, const core::Now& now);
  Decision answer_arrival(const Arrival& arrival);
  std::optional<Decision> from_arrival(Arrival& arrival, ClientTag client, core::Bytes bytes,
                                       const core::Now& now, const IpFields& ip);
  Decision hold(Arrival& arrival, core::Bytes bytes, const IpFields& ip);
  bool fetch(Arrival& arrival, const core::Now& now);
  Arrival* find_arrival(const ArrivalId& id);
  enum class Held : std::uint8_t { handled, dropped };
  void end_arrival(Arrival& arrival, Held held);
  void settle(Allocation& allocation, const FiveTuple& five_tuple, ClientTag client,
              const core::Now& now);
  void client_of_mobile_gone(Allocation& allocation, const core::Now& now);

  // tcp_relay.cc
  Decision connect(Request& request);
  Decision connection_bind(Request& request, const std::optional<ConnectionOwner>& owner);
  static std::optional<ConnectionNumber> connection_of(const stun::Message& message);
  PeerConnection& add_connection(Allocation& allocation, RelayId relay,
                                 const core::SocketAddress& peer);
  bool hold_connection(PeerConnection& connection, const core::Now& now);
  Decision answer_connect(PeerConnection& connection, stun::ErrorCode* error);
  void forget_ended_connections(Allocation& allocation);
  void remove_connection(PeerConnection& connection);
  void connection_limit_reached(PeerConnection& connection);
  void end_connections(Allocation& allocation, RelayId relay);
  template <typename Wanted>
  void end_connections_if(Allocation& allocation, Wanted wanted);
  void end_forbidden_connections(Allocation& allocation);

  // offload.cc
  void offload(Allocation& allocation, const core::Now& now);
  void end_offload(Allocation& allocation);
  bool may_be_offloaded(const Allocation& allocation) const;
  std::optional<OffloadTable::Wanted> wanted_for(const Allocation& allocation,
                                                 const Channel& channel,
                                                 const core::Now& now) const;
  bool is_own_address(const core::IpAddress& ip) const;
  bool is_above_limit(Allocation& allocation, std::uint64_t bytes, const core::Now& now);
  void offload_pause_over(Allocation& allocation, const core::Now& now);
  void count_offloaded(const Traffic& to_peer, const Traffic& to_client);

  // set_config.cc
  void end_what_is_forbidden(Allocation& allocation);

  // take_over.cc
  std::optional<AllocationState> state_of(const Allocation& allocation, const LinkOf& link_of,
                                          const core::Now& now) const;
  void resume(AllocationState& state, const TagOf& tag_of, const core::Now& now);
  void resume(const ReservationState& state, const core::Now& now);
  void resume(const ArrivalState& state, const TagOf& tag_of, const core::Now& now);

  // peer_requests.cc
  Decision create_permission(Request& request);
  Decision channel_bind(Request& request);
  std::optional<stun::ErrorCode> refused_peer(const Allocation& allocation,
                                              const core::IpAddress& peer) const;

  ServerConfig config_;
  Authenticator authenticator_;
  Quota& quota_;
  Reservations& held_;
  MobileAllocations& mobile_allocations_;
  PeerConnections& peer_connections_;
  SiblingLoads& sibling_loads_;
  Random& random_;
  core::DeadlineWheel deadlines_;
  BehaviourDiscovery discovery_;
  AnswerLimiter limiter_;
  Places places_;
  std::size_t next_alternate_ = 0;
  RelayTable relays_;
  AllocationTable allocations_;
  std::map<SessionId, Allocation*> sessions_; // of those that are live
  std::uint64_t session_number_ = 0;          // the last that was given
  std::unordered_map<std::uint64_t, std::unique_ptr<Reservation>> reservations_; // by token
  std::unordered_map<ConnectionNumber, PeerConnection*> connecting_;
  std::uint64_t connection_serial_ = 0;
  TicketMaker tickets_;
  std::unordered_map<AllocationNumber, Allocation*> mobile_; // of this worker
  std::unordered_map<FiveTuple, std::unique_ptr<Arrival>, FiveTupleHash> arrivals_;
  std::uint64_t arrival_serial_ = 0;
  std::deque<Command> commands_;
  OffloadTable offloads_{commands_};
  std::vector<OffloadTable::Wanted> offload_wanted_; // room for one call
  Answers answers_;
  FiveTuple changed_five_tuple_;  // of the last Binding's answer that went another way
  PeerAddress indicated_peer_;    // of the last Send indication: its decision borrows it
  FiveTuple answered_five_tuple_; // of an answer to whom nothing is kept for any more, likewise
  std::uint64_t indication_id_;
  Counters counters_; // but for what the parts count
  LimitsHit limits_hit_;
  bool draining_ = false;
};

} // namespace turnd
