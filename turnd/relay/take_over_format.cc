#include "turnd/relay/take_over_format.h"

#include <openssl/mem.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <limits>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>

namespace turnd {
namespace {

constexpr std::uint32_t kMagic = 0x56545453; // "VTTS"
// Longer than any lifetime; what is longer can't have come from a turnd.
constexpr core::Duration kLongestLeft = std::chrono::hours(24 * 366);
constexpr std::size_t kMaxNameBytes = 1024; // of users; RFC 8489 section 14.3 allows 508
constexpr auto kFirstError = static_cast<stun::ErrorCode>(300);
constexpr auto kLastError = static_cast<stun::ErrorCode>(699);
constexpr std::size_t kMaxHeldBytes = std::size_t{4} << 20; // of one connection, either way

// Writer and Reader do the same, each in its own direction, with what fields() names: so nobody can
// change the one and forget the other.
class Writer {
 public:
  static constexpr bool kReads = false;

  template <std::unsigned_integral Number>
  void number(const Number& value) {
    std::array<std::uint8_t, sizeof(Number)> raw{};
    for (std::size_t i = 0; i < raw.size(); ++i) {
      raw[i] = static_cast<std::uint8_t>(value >> (8 * (raw.size() - 1 - i)));
    }
    bytes(raw);
  }
  void flag(const bool& value) { number(static_cast<std::uint8_t>(value ? 1 : 0)); }
  void bytes(core::Bytes value) { out_.insert(out_.end(), value.begin(), value.end()); }
  void text(const std::string& value, std::size_t) { held(core::bytes_of(value)); }
  void held(core::Bytes value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes(value);
  }
  void key(const stun::Key& value) { held(value.bytes()); }
  template <typename Choice>
  void choice(const Choice& value, Choice, Choice) {
    number(static_cast<std::uint16_t>(value));
  }
  void left(const core::Duration& value) {
    number(static_cast<std::uint64_t>(std::min(value, kLongestLeft).count()));
  }
  void wall(const core::WallTime& value) {
    number(static_cast<std::uint64_t>(value.time_since_epoch().count()));
  }
  void ip(const core::IpAddress& value) {
    choice(value.family, core::Family::ipv4, core::Family::ipv6);
    bytes(value.bytes());
  }
  void address(const core::SocketAddress& value) {
    ip(value.ip());
    number(value.port());
  }
  template <typename Value, typename Each>
  void optional(const std::optional<Value>& value, Each&& each) {
    flag(value.has_value());
    if (value) each(*value);
  }
  template <typename Fields>
  void record(Fields&& write) {
    const std::size_t start = out_.size();
    number(std::uint32_t{0});
    write();
    core::store32(out_.data() + start, static_cast<std::uint32_t>(out_.size() - start - 4));
  }
  template <typename Value, typename Each>
  void list(const std::vector<Value>& values, Each&& each) {
    number(static_cast<std::uint32_t>(values.size()));
    for (const Value& value : values) record([&] { each(value); });
  }

  std::vector<std::uint8_t>& out() { return out_; }

 private:
  std::vector<std::uint8_t> out_;
};

class Reader {
 public:
  static constexpr bool kReads = true;

  explicit Reader(core::Bytes bytes) : rest_(bytes) {}

  template <std::unsigned_integral Number>
  void number(Number& value) {
    const auto read = take(sizeof(Number));
    std::uint64_t sum = 0;
    for (const std::uint8_t byte : read) sum = sum << 8 | byte;
    value = static_cast<Number>(sum);
  }
  void flag(bool& value) {
    std::uint8_t read = 0;
    number(read);
    if (read > 1) fail();
    value = read == 1;
  }
  void bytes(core::MutableBytes value) {
    const auto read = take(value.size());
    std::ranges::copy(read, value.begin());
  }
  void text(std::string& value, std::size_t most) { value = core::text_of(counted(most)); }
  void held(std::vector<std::uint8_t>& value) {
    const auto read = counted(kMaxHeldBytes);
    value.assign(read.begin(), read.end());
  }
  void key(stun::Key& value) {
    const auto read = counted(stun::Key::kMaxBytes);
    if (ok_) value = stun::Key(read);
  }
  template <typename Choice>
  void choice(Choice& value, Choice first, Choice last) {
    std::uint16_t read = 0;
    number(read);
    if (read < static_cast<std::uint16_t>(first) || read > static_cast<std::uint16_t>(last)) {
      return fail();
    }
    value = static_cast<Choice>(read);
  }
  void left(core::Duration& value) {
    std::uint64_t read = 0;
    number(read);
    if (read > static_cast<std::uint64_t>(kLongestLeft.count())) return fail();
    value = core::Duration(static_cast<std::int64_t>(read));
  }
  void wall(core::WallTime& value) {
    std::uint64_t read = 0;
    number(read);
    if (read > std::numeric_limits<std::uint32_t>::max()) return fail();
    value = core::WallTime(std::chrono::seconds(static_cast<std::int64_t>(read)));
  }
  void ip(core::IpAddress& value) {
    core::Family family = core::Family::ipv4;
    choice(family, core::Family::ipv4, core::Family::ipv6);
    if (family == core::Family::ipv4) {
      const auto read = take(4);
      if (ok_) value = core::IpAddress::from_v4(read);
    } else {
      const auto read = take(16);
      if (ok_) value = core::IpAddress::from_v6(read);
    }
  }
  void address(core::SocketAddress& value) {
    core::IpAddress own;
    std::uint16_t port = 0;
    ip(own);
    number(port);
    value = core::SocketAddress(own, port);
  }
  template <typename Value, typename Each>
  void optional(std::optional<Value>& value, Each&& each) {
    bool there = false;
    flag(there);
    value.reset();
    if (!there || !ok_) return;
    Value read{};
    each(read);
    value = std::move(read);
  }
  // What is behind the fields that are known here belongs to a later version.
  template <typename Fields>
  void record(Fields&& read) {
    std::uint32_t size = 0;
    number(size);
    const auto mine = take(size);
    if (!ok_) return;
    const core::Bytes behind = std::exchange(rest_, mine);
    read();
    rest_ = behind;
  }
  // Grows with what is there, whatever the count claims.
  template <typename Value, typename Each>
  void list(std::vector<Value>& values, Each&& each) {
    std::uint32_t count = 0;
    number(count);
    for (std::uint32_t i = 0; i < count && ok_; ++i) {
      record([&] { each(values.emplace_back()); });
    }
  }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  void fail() { ok_ = false; }
  core::Bytes take(std::size_t count) {
    if (!ok_ || count > rest_.size()) {
      fail();
      return {};
    }
    const core::Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  core::Bytes counted(std::size_t most) {
    std::uint32_t size = 0;
    number(size);
    if (size > most) fail();
    return take(size);
  }

  core::Bytes rest_;
  bool ok_ = true;
};

// ---- what there is of each, and in which order. `State` is const when it is written.

template <typename Archive, typename Value>
void fields_of_five_tuple(Archive& a, Value& f) {
  a.choice(f.transport, Transport::udp, Transport::dtls);
  a.address(f.client);
  a.address(f.server);
}

template <typename Archive, typename Number>
void wrapped(Archive& a, Number& n) { // an enum class that is a number
  using Raw = std::underlying_type_t<std::remove_const_t<Number>>;
  auto raw = static_cast<Raw>(n);
  a.number(raw);
  if constexpr (Archive::kReads) n = static_cast<Number>(raw);
}

template <typename Archive, typename State>
void fields_of_link(Archive& a, State& s) {
  a.choice(s.kind, LinkState::Kind::listener, LinkState::Kind::connection);
  fields_of_five_tuple(a, s.five_tuple);
  a.address(s.configured);
  a.list(s.served_elsewhere, [&](auto& group) {
    a.list(group, [&](auto& client) { fields_of_five_tuple(a, client); });
  });
  a.flag(s.proven);
  a.held(s.unread);
  a.held(s.unsent);
}

// Who signed the last request, and how.
template <typename Archive, typename State>
void fields_of_owner(Archive& a, State& s) {
  a.bytes(s.transaction);
  a.flag(s.fingerprint);
  a.text(s.username, kMaxNameBytes);
  a.key(s.key);
  a.choice(s.algorithm, stun::PasswordAlgorithm::md5, stun::PasswordAlgorithm::sha256);
  a.choice(s.integrity, stun::Integrity::sha1, stun::Integrity::sha256);
  a.left(s.left);
}

template <typename Archive, typename State>
void fields_of_allocation(Archive& a, State& s) {
  a.optional(s.link, [&](auto& link) { wrapped(a, link); });
  fields_of_five_tuple(a, s.five_tuple);
  fields_of_owner(a, s);
  a.optional(s.until, [&](auto& until) { a.wall(until); });
  for (auto& each : s.relays)
    a.optional(each, [&](auto& relay) {
      a.address(relay.address);
      a.ip(relay.advertised);
    });
  a.optional(s.reservation, [&](auto& token) { a.bytes(token); });
  for (auto& each : s.refused) {
    a.optional(each, [&](auto& code) { a.choice(code, kFirstError, kLastError); });
  }
  a.list(s.permissions, [&](auto& permission) {
    a.ip(permission.peer);
    a.left(permission.left);
  });
  a.list(s.channels, [&](auto& channel) {
    a.number(channel.number);
    a.address(channel.peer.address);
    a.left(channel.left);
  });
  a.number(s.bandwidth_left);
  a.optional(s.mobile, [&](auto& mobile) {
    wrapped(a, mobile.number);
    a.number(mobile.generation);
    a.flag(mobile.settled);
    a.bytes(mobile.transaction);
  });
  a.number(s.session.worker);
  a.number(s.session.number);
  a.left(s.age);
  for (auto* traffic : {&s.to_peers, &s.to_client}) {
    a.number(traffic->packets);
    a.number(traffic->bytes);
  }
}

template <typename Archive, typename State>
void fields_of_reservation(Archive& a, State& s) {
  a.bytes(s.token);
  a.address(s.address);
  a.text(s.username, kMaxNameBytes);
  a.left(s.left);
}

template <typename Archive, typename State>
void fields_of_arrival(Archive& a, State& s) {
  wrapped(a, s.link);
  fields_of_five_tuple(a, s.five_tuple);
  wrapped(a, s.ticket.allocation);
  a.number(s.ticket.generation);
  a.number(s.lifetime);
  fields_of_owner(a, s);
}

template <typename Archive, typename State>
void fields_of_server(Archive& a, State& s) {
  a.list(s.allocations, [&](auto& each) { fields_of_allocation(a, each); });
  a.list(s.reservations, [&](auto& each) { fields_of_reservation(a, each); });
  a.list(s.arrivals, [&](auto& each) { fields_of_arrival(a, each); });
  a.list(s.staying, [&](auto& each) { a.address(each); });
  a.number(s.last_session);
}

template <typename Archive, typename State>
void fields_of_all(Archive& a, State& s) {
  a.bytes(s.nonce_key);
  a.bytes(s.ticket_key);
  a.list(s.links, [&](auto& each) { fields_of_link(a, each); });
  a.list(s.servers, [&](auto& each) { fields_of_server(a, each); });
}

// What the tables of a server must be able to rely on.
class Consistency {
 public:
  bool holds(const TakeOverState& state) {
    links_ = state.links.size();
    for (const ServerState& server : state.servers) {
      for (const AllocationState& each : server.allocations) add(each);
      for (const ReservationState& each : server.reservations) add_relay(each.address);
      for (const ArrivalState& each : server.arrivals) {
        check_link(each.link);
        if (!arrivals_.insert(each.five_tuple).second) holds_ = false;
      }
      for (const core::SocketAddress& each : server.staying) add_relay(each);
    }
    return holds_;
  }

 private:
  void add(const AllocationState& each) {
    if (each.link) check_link(*each.link);
    if (!each.link && !each.mobile) holds_ = false;
    if (!five_tuples_.insert(each.five_tuple).second) holds_ = false;
    if (each.mobile && !mobile_.insert(each.mobile->number).second) holds_ = false;
    if (!each.relays[0] && !each.relays[1]) holds_ = false;
    for (std::size_t i = 0; i < each.relays.size(); ++i) {
      const auto& relay = each.relays[i];
      if (!relay) continue;
      add_relay(relay->address);
      const auto family = static_cast<core::Family>(i);
      if (relay->address.family() != family) holds_ = false;
      if (relay->advertised.family != family) holds_ = false;
    }
  }
  void add_relay(const core::SocketAddress& address) {
    if (address.port() == 0 || !relays_.insert(address).second) holds_ = false;
  }
  void check_link(LinkNumber number) {
    if (static_cast<std::size_t>(number) >= links_) holds_ = false;
  }

  std::size_t links_ = 0;
  std::unordered_set<FiveTuple, FiveTupleHash> five_tuples_;
  std::unordered_set<FiveTuple, FiveTupleHash> arrivals_;
  std::unordered_set<core::SocketAddress> relays_;
  std::unordered_set<AllocationNumber> mobile_;
  bool holds_ = true;
};

} // namespace

TakeOverBytes::~TakeOverBytes() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

// The length is found first: a buffer that grows leaves copies of keys behind.
TakeOverBytes encode(const TakeOverState& state) {
  Writer writer;
  std::size_t room = 4096;
  for (const LinkState& link : state.links) {
    room += 256 + link.unread.size() + link.unsent.size();
    for (const auto& group : link.served_elsewhere) room += 16 + 64 * group.size();
  }
  for (const ServerState& server : state.servers) {
    room += 64 + 64 * server.staying.size();
    for (const AllocationState& each : server.allocations) {
      room += 512 + each.username.size() + 64 * (each.permissions.size() + each.channels.size());
    }
    for (const ReservationState& each : server.reservations) room += 128 + each.username.size();
    for (const ArrivalState& each : server.arrivals) room += 256 + each.username.size();
  }
  writer.out().reserve(room);
  writer.number(kMagic);
  writer.number(kTakeOverVersion);
  fields_of_all(writer, state);
  return TakeOverBytes(std::move(writer.out()));
}

std::expected<TakeOverState, TakeOverFault> decode(core::Bytes bytes) {
  Reader reader(bytes);
  std::uint32_t magic = 0;
  std::uint16_t version = 0;
  reader.number(magic);
  reader.number(version);
  if (!reader.ok() || magic != kMagic || bytes.size() > kMaxTakeOverBytes) {
    return std::unexpected(TakeOverFault::malformed);
  }
  if (version != kTakeOverVersion) return std::unexpected(TakeOverFault::version);
  TakeOverState state;
  fields_of_all(reader, state);
  if (!reader.ok() || !reader.at_end()) return std::unexpected(TakeOverFault::malformed);
  if (!Consistency().holds(state)) return std::unexpected(TakeOverFault::inconsistent);
  return state;
}

std::string_view text_of(TakeOverFault fault) {
  switch (fault) {
    case TakeOverFault::version:
      return "the running turnd says what it has in another version's way";
    case TakeOverFault::malformed:
      return "what the running turnd says it has can't be read";
    case TakeOverFault::inconsistent:
      return "what the running turnd says it has contradicts itself";
  }
  return "";
}

std::size_t descriptors(const TakeOverState& state) {
  std::size_t count = 0;
  for (const LinkState& link : state.links) count += 1 + link.served_elsewhere.size();
  for (const ServerState& server : state.servers) {
    for (const AllocationState& each : server.allocations) {
      for (const auto& relay : each.relays) count += relay ? 1 : 0;
    }
    count += server.reservations.size();
  }
  return count;
}

} // namespace turnd
