// What turnd is made of, as values, for the process that takes over from this one: what its clients
// have must not notice. Each value owns what it holds. The sockets go beside them, in the order that
// descriptors() tells; take_over_format.h has the values as bytes.
//
// The way of a server's state from the old process to the new one:
//
//   old   every worker stops reading; what its sockets get from here on waits in the kernel. Allocations
//         that are on their way from worker to worker arrive (Server::is_settled())
//   old   Server::state(), of each worker. It changes nothing: should the new process fail, the old one
//         reads on
//   new   Server::resume(), at the worker that has the client's link, and Server::keep_ports() at all
//   new   reads
//   old   Server::let_go()
//
// What can't leave its process stays, and is served there to its end: clients with a TLS or DTLS
// session, and TCP allocations (RFC 6062), whose connections are many.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/time.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "libcore/stun/nonce.h"
#include "turnd/relay/mobility_ticket.h"
#include "turnd/relay/session.h"
#include "turnd/relay/types.h"

namespace turnd {

// Among TakeOverState::links.
enum class LinkNumber : std::uint32_t {};

// A way to clients: a listener's socket, or a connection.
struct LinkState {
  enum class Kind : std::uint8_t { listener, connection };

  Kind kind = Kind::listener;
  FiveTuple five_tuple;           // of a listener: how it is spoken to, and where it is bound
  core::SocketAddress configured; // of a listener: perhaps with port 0
  // Of a DTLS listener: clients whose sessions are with a process before. Each group's datagrams go to
  // a socket of its own.
  std::vector<std::vector<FiveTuple>> served_elsewhere;
  // Of a connection:
  bool proven = false;              // it has, or had, an allocation
  std::vector<std::uint8_t> unread; // the beginning of a frame
  std::vector<std::uint8_t> unsent;

  friend bool operator==(const LinkState&, const LinkState&) = default;
};

struct AllocationState {
  struct Relay {
    RelayId id{}; // the giver's; resume() puts the taker's here. Not among the bytes
    core::SocketAddress address;
    core::IpAddress advertised; // in its place
  };
  struct Permission {
    core::IpAddress peer;
    core::Duration left{};
  };
  struct Channel {
    std::uint16_t number = 0;
    PeerAddress peer;
    core::Duration left{};
  };
  struct Mobile {
    AllocationNumber number{};
    std::uint32_t generation = 0;
    bool settled = true;
    stun::TransactionId transaction{};
  };

  std::optional<LinkNumber> link; // nullopt: a mobile client that is away
  FiveTuple five_tuple;
  stun::TransactionId transaction{};
  bool fingerprint = false;
  std::string username;
  stun::Key key;
  stun::PasswordAlgorithm algorithm = stun::PasswordAlgorithm::md5;
  stun::Integrity integrity = stun::Integrity::sha1;
  std::optional<core::WallTime> until;
  core::Duration left{};
  std::array<std::optional<Relay>, 2> relays; // by core::Family
  std::optional<ReservationToken> reservation;
  std::array<std::optional<stun::ErrorCode>, 2> refused; // by core::Family
  std::vector<Permission> permissions;
  std::vector<Channel> channels;
  std::uint64_t bandwidth_left = 0;
  std::optional<Mobile> mobile;
  SessionId session; // and what it has done:
  core::Duration age{};
  Traffic to_peers;
  Traffic to_client;
};

struct ReservationState {
  ReservationToken token{};
  core::SocketAddress address;
  std::string username;
  core::Duration left{};
};

// A mobile client's new five-tuple, which it has been granted and not used yet.
struct ArrivalState {
  LinkNumber link{};
  FiveTuple five_tuple;
  Ticket ticket;
  stun::TransactionId transaction{};
  bool fingerprint = false;
  std::uint32_t lifetime = 0;
  std::string username;
  stun::Key key;
  stun::PasswordAlgorithm algorithm = stun::PasswordAlgorithm::md5;
  stun::Integrity integrity = stun::Integrity::sha1;
  core::Duration left{};
};

struct ServerState { // of one worker
  std::vector<AllocationState> allocations;
  std::vector<ReservationState> reservations;
  std::vector<ArrivalState> arrivals;
  std::vector<core::SocketAddress> staying; // relay addresses of what stays with the old process
  std::uint64_t last_session = 0;           // the last number that it gave to one
};

struct TakeOverState {
  stun::NonceMaker::Key nonce_key{}; // so that the nonces that clients have go on being good
  TicketMaker::Key ticket_key{};
  std::vector<LinkState> links;
  std::vector<ServerState> servers;
};

// Which links go along; nullopt: what has it stays.
using LinkOf = std::function<std::optional<LinkNumber>(ClientTag)>;
using TagOf = std::function<ClientTag(LinkNumber)>;

// How many sockets go with it, in this order: of each link one, and behind it one for each group that
// is served elsewhere; of each server's allocations the relay sockets, IPv4 first; of each server's
// reservations one.
std::size_t descriptors(const TakeOverState& state);

} // namespace turnd
