// A turnd::Server with virtual time, the shell's part played by the test: decisions are copied,
// commands carried out at once (or refused, as the test wants).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "tests/support/turn/client.h"
#include "turnd/relay/server.h"

namespace turn_test {

// Numbers that look random and are the same in every run.
class SeededRandom final : public turnd::Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : state_(seed) {}
  ~SeededRandom() = default;
  void fill(core::MutableBytes bytes) override {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(next() >> 56);
  }
  std::uint64_t next() { // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

struct SentToPeer {
  turnd::RelayId relay;
  core::SocketAddress peer;
  std::string payload;
  turnd::IpFields ip{};
};

struct Options {
  std::vector<turnd::RelayAddress> relay_addresses{
      {core::IpAddress::v4(198, 51, 100, 130), core::IpAddress::v4(198, 51, 100, 130)}};
  turnd::PortRange ports{.first = 50000, .last = 50999};
  unsigned worker = 0;
  unsigned workers = 1;
  core::NetworkList allow;
  core::NetworkList deny;
  std::vector<turnd::UdpListenerAddress> udp_listeners;
  core::NetworkList stun_clients{{core::Network::any()}};
  core::NetworkList turn_clients{{core::Network::any()}};
  std::uint16_t last_channel = stun::kLastChannel;
  turnd::ServerLimits limits;
  turnd::AlternateServers alternate;
  std::uint64_t allocations = turnd::QuotaTable::kNoLimit;
  std::uint64_t allocations_per_user = turnd::QuotaTable::kNoLimit;
  std::uint64_t bandwidth_per_user = turnd::QuotaTable::kNoLimit;
  std::string realm = "example.com";
  std::map<std::string, std::string> users{{"alice", "wonder"}, {"bob", "builder"}};
  std::map<std::string, stun::UserKeys> stored_users;
  std::vector<std::string> shared_secrets;
  bool draft_dual_allocation = false;
  std::optional<turnd::ThirdParty> third_party;
  bool mobility = false;
  bool tcp_relay = false;
  turnd::Quota* quota = nullptr;                              // of several workers
  turnd::ReservationTable* reservations = nullptr;            // likewise
  turnd::MobileAllocationTable* mobile_allocations = nullptr; // likewise
  turnd::PeerConnectionTable* peer_connections = nullptr;     // likewise
  turnd::SiblingLoadTable* sibling_loads = nullptr;           // likewise
};

inline core::NetworkList networks(std::initializer_list<const char*> texts) {
  std::vector<core::Network> list;
  list.reserve(texts.size());
  for (const char* text : texts) list.push_back(required(core::Network::parse(text)));
  return core::NetworkList(std::move(list));
}

inline turnd::RelayAddress relay_address(const char* ip, const char* advertised = nullptr) {
  const auto own = required(core::IpAddress::parse(ip));
  return {own, advertised == nullptr ? own : required(core::IpAddress::parse(advertised))};
}

class Scene {
 public:
  explicit Scene(const Options& options = {})
      : random(options.worker + 1U),
        quota({.in_all = options.allocations,
               .per_user = options.allocations_per_user,
               .bandwidth_per_user = options.bandwidth_per_user}),
        server(config_of(options),
               turnd::Authenticator(
                   credentials_of(options),
                   stun::NonceMaker(stun::NonceMaker::Key{7}, std::chrono::seconds(600))),
               {.quota = options.quota != nullptr ? *options.quota : quota,
                .reservations =
                    options.reservations != nullptr ? *options.reservations : own_reservations,
                .mobile_allocations = options.mobile_allocations != nullptr
                                          ? *options.mobile_allocations
                                          : own_mobile_allocations,
                .peer_connections = options.peer_connections != nullptr ? *options.peer_connections
                                                                        : own_peer_connections,
                .sibling_loads =
                    options.sibling_loads != nullptr ? *options.sibling_loads : own_sibling_loads},
               random, start()) {}

  static core::TimePoint start() { return core::TimePoint(std::chrono::hours(1000)); }

  core::Now now{.steady = start(), .wall = core::WallTime(std::chrono::seconds(1'800'000'000))};
  SeededRandom random;
  turnd::QuotaTable quota;
  turnd::ReservationTable own_reservations{1};
  turnd::MobileAllocationTable own_mobile_allocations;
  turnd::PeerConnectionTable own_peer_connections;
  turnd::SiblingLoadTable own_sibling_loads;
  turnd::Server server;

  // Ports that somebody else has.
  std::function<bool(const core::SocketAddress&)> refuse_port = [](const auto&) { return false; };
  std::vector<turnd::OpenRelay> opened;
  std::vector<turnd::RelayId> closed;
  std::vector<turnd::OpenRelay> refused;
  std::vector<turnd::ConnectPeer> connects; // for the test to say how they went
  std::vector<turnd::ConnectionNumber> abandoned_connects;
  std::vector<turnd::StartTunnel> tunnels;
  std::map<turnd::OffloadNumber, turnd::BeginOffload> offloaded; // with what has moved since
  bool refuse_offload = false;
  bool confirm_offload_ends = true;
  std::vector<turnd::Command> to_others; // for other workers; who has several of them hands it on

  void pass(core::Duration time) {
    now.steady += time;
    wall_part_ += time;
    const auto whole = std::chrono::floor<std::chrono::seconds>(wall_part_);
    now.wall += whole;
    wall_part_ -= whole;
    server.advance(now);
    carry_out_commands();
  }

  // Feeds a datagram; what the server said, until nothing is left to do.
  struct Result {
    std::optional<Received> answer; // STUN to a client
    std::optional<Buffer> to_client;
    std::optional<turnd::ClientTag> tag;
    std::optional<turnd::FiveTuple> five_tuple;
    bool from_other_listener = false;
    std::optional<SentToPeer> to_peer;
    turnd::IpFields ip; // of to_client
    std::optional<turnd::DropReason> dropped;
    int error() const { return answer ? answer->error() : -1; }
    bool is_success() const { return answer && answer->is_success(); }
  };
  std::vector<Result> late_answers;  // to a Connect that took too long
  std::vector<Result> handled_again; // packets that had to wait

  Result feed(const Client& client, core::Bytes bytes, const turnd::IpFields& ip = {}) {
    return settle(copy(server.from_client(client.five_tuple, client.tag, bytes, now, ip)));
  }
  Result feed_peer(turnd::RelayId relay, const char* peer, std::string_view payload,
                   const turnd::IpFields& ip = {}) {
    buffer_.assign(turnd::Packet::kHeadroom + payload.size() + turnd::Packet::kTailroom, 0xee);
    std::ranges::copy(payload, buffer_.begin() + turnd::Packet::kHeadroom);
    const turnd::Packet packet(
        core::MutableBytes(buffer_).subspan(turnd::Packet::kHeadroom, payload.size()), ip);
    const turnd::PeerAddress from{address_of(peer)};
    return settle(copy(server.from_peer(relay, from, packet, now)));
  }

  Result feed_icmp(turnd::RelayId relay, const char* peer, const turnd::IcmpError& error) {
    buffer_.assign(turnd::Server::kIcmpRoom, 0xee);
    return settle(copy(server.from_icmp(relay, {address_of(peer)}, error, buffer_, now)));
  }

  // The 401 that every conversation begins with.
  void challenge(Client& client) {
    auto result = feed(client, client.unsigned_request(stun::Method::allocate, Client::udp()));
    if (result.answer) client.learn(*result.answer);
  }
  // With the challenge before it, if there was none yet.
  Result allocate(Client& client, const Client::Fill& more = [](auto&) {}) {
    if (client.nonce.empty()) challenge(client);
    return feed(client, client.request(stun::Method::allocate, Client::udp_and(more)));
  }
  Result request(Client& client, stun::Method method, const Client::Fill& fill = {}) {
    return feed(client, client.request(method, fill));
  }
  // What can change of `options` is in force from now on.
  void reload(const Options& options) {
    quota.set_limits({.in_all = options.allocations,
                      .per_user = options.allocations_per_user,
                      .bandwidth_per_user = options.bandwidth_per_user});
    server.set_config(config_of(options), now);
    (void)carry_out_commands();
  }
  turnd::RelayId last_relay() const { return opened.back().relay; }

  // What another worker's question or value led to.
  Result settle_now(const turnd::Decision& decision) { return settle(copy(decision)); }
  void settle_commands() { (void)carry_out_commands(); }

  bool nothing_left() { return !server.poll_command().has_value(); }

 private:
  static std::vector<core::IpAddress> told(const Options& o) {
    std::vector<core::IpAddress> ips;
    ips.reserve(o.relay_addresses.size());
    for (const auto& address : o.relay_addresses) ips.push_back(address.advertised);
    return ips;
  }
  static turnd::ServerConfig config_of(const Options& o) {
    return {.relay_addresses = o.relay_addresses,
            .ports = o.ports,
            .worker = o.worker,
            .workers = o.workers,
            .peers = turnd::PeerPolicy(o.allow, o.deny,
                                       {.listeners = {address_of("198.51.100.130:3478")},
                                        .relays = told(o),
                                        .relay_ports = o.ports}),
            .udp_listeners = o.udp_listeners,
            .stun_clients = o.stun_clients,
            .turn_clients = o.turn_clients,
            .draft_dual_allocation = o.draft_dual_allocation,
            .tcp_relay = o.tcp_relay,
            .mobility = o.mobility,
            .ticket_key = {3},
            .last_channel = o.last_channel,
            .limits = o.limits,
            .alternate = o.alternate};
  }
  static std::shared_ptr<const turnd::Credentials> credentials_of(const Options& o) {
    std::vector<core::Secret> secrets;
    secrets.reserve(o.shared_secrets.size());
    for (const auto& secret : o.shared_secrets) secrets.emplace_back(secret);
    std::map<std::string, core::Secret> users;
    for (const auto& [name, password] : o.users) users.emplace(name, core::Secret(password));
    return std::make_shared<turnd::Credentials>(o.realm, users, std::move(secrets), o.stored_users,
                                                o.third_party);
  }

  Result copy(const turnd::Decision& decision) {
    Result result;
    if (const auto* drop = std::get_if<turnd::Drop>(&decision)) {
      result.dropped = drop->reason;
    } else if (const auto* out = std::get_if<turnd::ToClient>(&decision)) {
      result.to_client.emplace(out->bytes.begin(), out->bytes.end());
      result.answer.emplace(out->bytes);
      if (!result.answer->is_stun()) result.answer.reset();
      result.tag = out->client;
      result.ip = out->ip;
      result.five_tuple = *out->five_tuple;
      result.from_other_listener = out->from_other_listener;
    } else {
      const auto& up = std::get<turnd::ToPeer>(decision);
      result.to_peer = {up.relay, up.peer->address, std::string(core::text_of(up.payload)), up.ip};
    }
    return result;
  }

  // An Allocate's answer comes when its sockets are open.
  Result settle(Result first) {
    auto later = carry_out_commands();
    if (later) return std::move(*later);
    return first;
  }

  std::optional<Result> carry_out_commands() {
    std::optional<Result> answer;
    while (auto command = server.poll_command()) {
      if (const auto* close = std::get_if<turnd::CloseRelay>(&*command)) {
        closed.push_back(close->relay);
        continue;
      }
      if (const auto* again = std::get_if<turnd::HandleAgain>(&*command)) {
        handled_again.push_back(copy(
            server.from_client(again->five_tuple, again->client, again->bytes, now, again->ip)));
        continue;
      }
      if (const auto* connect = std::get_if<turnd::ConnectPeer>(&*command)) {
        connects.push_back(*connect);
        continue;
      }
      if (const auto* abandoned = std::get_if<turnd::AbandonConnect>(&*command)) {
        abandoned_connects.push_back(abandoned->number);
        auto late = copy(server.peer_unreachable(abandoned->number));
        if (late.answer) late_answers.push_back(std::move(late));
        continue;
      }
      if (const auto* tunnel = std::get_if<turnd::StartTunnel>(&*command)) {
        tunnels.push_back(*tunnel);
        continue;
      }
      if (const auto* begun = std::get_if<turnd::BeginOffload>(&*command)) {
        if (refuse_offload) {
          server.offload_refused(begun->number);
        } else {
          offloaded.insert_or_assign(begun->number, *begun);
        }
        continue;
      }
      if (const auto* moved = std::get_if<turnd::MoveOffload>(&*command)) {
        offloaded.at(moved->number).expires = moved->expires;
        continue;
      }
      if (const auto* ended = std::get_if<turnd::EndOffload>(&*command)) {
        offloaded.erase(ended->number);
        if (confirm_offload_ends) server.offload_ended(ended->number, {}, {}, now);
        continue;
      }
      if (!std::holds_alternative<turnd::OpenRelay>(*command)) {
        to_others.push_back(std::move(*command));
        continue;
      }
      const auto open = std::get<turnd::OpenRelay>(*command);
      Result result;
      if (refuse_port(open.address)) {
        refused.push_back(open);
        result = copy(server.relay_refused(open.relay, now));
      } else {
        opened.push_back(open);
        result = copy(server.relay_opened(open.relay, now));
      }
      if (result.answer) answer = std::move(result);
    }
    return answer;
  }

  core::Duration wall_part_{};
  Buffer buffer_;
};

} // namespace turn_test
