// A TakeOverState as bytes: turnd/relay/take_over_format.h.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "tests/support/turn/taken_over.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using turnd::TakeOverFault;
using turnd::TakeOverState;

turnd::AllocationState allocation(const char* client, const char* relay) {
  turnd::AllocationState state;
  state.link = turnd::LinkNumber{0};
  state.five_tuple = {.transport = turnd::Transport::udp,
                      .client = address_of(client),
                      .server = address_of("198.51.100.130:3478")};
  state.username = "alice";
  state.key = stun::long_term_key_sha256("alice", "example.com", "wonder");
  state.left = std::chrono::seconds(7);
  const core::SocketAddress address = address_of(relay);
  state.relays[static_cast<std::size_t>(address.family())] = {
      .id = {}, .address = address, .advertised = address.ip()};
  return state;
}

TakeOverState small() {
  TakeOverState state;
  state.nonce_key = {1};
  state.ticket_key = {2};
  state.links.resize(1);
  state.servers.resize(1);
  state.servers[0].allocations.push_back(allocation("192.0.2.7:1", "198.51.100.130:50000"));
  return state;
}

// With everything that there can be.
TakeOverState full() {
  TakeOverState state = small();
  state.links[0] = {.kind = turnd::LinkState::Kind::connection,
                    .five_tuple = {.transport = turnd::Transport::tcp,
                                   .client = address_of("[2001:db8::7]:1"),
                                   .server = address_of("[2001:db8::1]:3478")},
                    .configured = address_of("[::]:0"),
                    .served_elsewhere = {{{}, {}}, {}},
                    .proven = true,
                    .unread = {1, 2, 3},
                    .unsent = Buffer(100'000, 7)};
  auto& first = state.servers[0].allocations[0];
  first.relays[1] = {.id = {},
                     .address = address_of("[2001:db8::130]:50001"),
                     .advertised = address_of("[2001:db8::131]:1").ip()};
  first.until = core::WallTime(std::chrono::seconds(1'900'000'000));
  first.reservation = turnd::ReservationToken{1, 2, 3, 4, 5, 6, 7, 8};
  first.refused[0] = stun::ErrorCode::insufficient_capacity;
  first.permissions.push_back(
      {.peer = address_of("203.0.113.1:1").ip(), .left = std::chrono::milliseconds(1)});
  first.channels.push_back({.number = 0x4000,
                            .peer = {address_of("[2001:db8::9]:9")},
                            .left = std::chrono::nanoseconds(1)});
  first.bandwidth_left = 12345;
  first.mobile = {.number = turnd::AllocationNumber{0xffffffffffffffffU},
                  .generation = 3,
                  .settled = false,
                  .transaction = {9}};
  first.session = {.worker = 3, .number = 77};
  first.age = std::chrono::hours(5);
  first.to_peers = {.packets = 1, .bytes = 2};
  first.to_client = {.packets = 3, .bytes = 4};
  state.servers[0].last_session = 99;
  state.servers[0].reservations.push_back({.token = {9},
                                           .address = address_of("198.51.100.130:50002"),
                                           .username = "bob",
                                           .left = std::chrono::seconds(3)});
  state.servers[0].arrivals.push_back({.link = turnd::LinkNumber{0},
                                       .five_tuple = {},
                                       .ticket = {.allocation = {}, .generation = 4},
                                       .transaction = {5},
                                       .fingerprint = true,
                                       .lifetime = 600,
                                       .username = "carol",
                                       .key = {},
                                       .left = std::chrono::seconds(4)});
  state.servers[0].staying.push_back(address_of("198.51.100.130:50004"));
  return state;
}

Buffer bytes_of(const TakeOverState& state) {
  const auto encoded = turnd::encode(state);
  return {encoded.bytes().begin(), encoded.bytes().end()};
}

TEST_CASE("what is read is written the same again, field by field") {
  for (const TakeOverState& state : {TakeOverState{}, small(), full()}) {
    const Buffer bytes = bytes_of(state);
    const auto read = turnd::decode(bytes);
    REQUIRE(read);
    CHECK(bytes_of(*read) == bytes);
  }
  const auto read = turnd::decode(bytes_of(full()));
  REQUIRE(read);
  CHECK(read->links == full().links);
  const auto& first = read->servers[0].allocations[0];
  CHECK(first.username == "alice");
  CHECK(std::ranges::equal(first.key.bytes(), full().servers[0].allocations[0].key.bytes()));
  CHECK(required(first.mobile).generation == 3);
  CHECK(first.session == turnd::SessionId{.worker = 3, .number = 77});
  CHECK(first.age == std::chrono::hours(5));
  CHECK(first.to_client == turnd::Traffic{.packets = 3, .bytes = 4});
  CHECK(read->servers[0].last_session == 99);
  CHECK(first.channels[0].left == std::chrono::nanoseconds(1));
  CHECK(required(first.relays[1]).address == address_of("[2001:db8::130]:50001"));
  // The link, its two groups elsewhere, two relay sockets, one that is reserved.
  CHECK(turnd::descriptors(*read) == 1 + 2 + 2 + 1);
}

TEST_CASE("any cut, anything behind it: refused as a whole") {
  Buffer bytes = bytes_of(full());
  for (std::size_t size = 0; size < bytes.size(); size += size < 2000 ? 1 : 997) {
    const auto read = turnd::decode(core::Bytes(bytes).first(size));
    REQUIRE_FALSE(read);
    CHECK(read.error() == TakeOverFault::malformed);
  }
  bytes.push_back(0);
  CHECK(turnd::decode(bytes).error() == TakeOverFault::malformed);
}

TEST_CASE("another version is told from damage") {
  Buffer bytes = bytes_of(small());
  core::store16(bytes.data() + 4, turnd::kTakeOverVersion + 1);
  CHECK(turnd::decode(bytes).error() == TakeOverFault::version);
  bytes[0] ^= 1;
  CHECK(turnd::decode(bytes).error() == TakeOverFault::malformed);
  for (const auto fault :
       {TakeOverFault::version, TakeOverFault::malformed, TakeOverFault::inconsistent}) {
    CHECK_FALSE(turnd::text_of(fault).empty());
  }
}

TEST_CASE("a record of a later version has more at its end, which is passed over") {
  TakeOverState state;
  state.links.resize(1);
  Buffer bytes = bytes_of(state);
  // magic, version, the two keys, the number of links: then the link's length.
  const std::size_t at = 4 + 2 + 32 + 32 + 4;
  const std::uint32_t size = core::load32(bytes.data() + at);
  core::store32(bytes.data() + at, size + 3);
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at + 4 + size), {7, 7, 7});
  const auto read = turnd::decode(bytes);
  REQUIRE(read);
  CHECK(read->links == state.links);
}

TEST_CASE("a count that promises more than there is costs nothing") {
  Buffer bytes = bytes_of(TakeOverState{});
  core::store32(bytes.data() + 4 + 2 + 32 + 32, 0xffffffff);
  CHECK(turnd::decode(bytes).error() == TakeOverFault::malformed);
}

TEST_CASE("what contradicts itself is refused") {
  const auto refused = [](auto&& spoil) {
    TakeOverState state = small();
    auto& server = state.servers[0];
    server.allocations.push_back(allocation("192.0.2.7:2", "198.51.100.130:50001"));
    if (!turnd::decode(bytes_of(state))) return false;
    spoil(state, server.allocations[0], server.allocations[1]);
    const auto read = turnd::decode(bytes_of(state));
    return !read && read.error() == TakeOverFault::inconsistent;
  };
  CHECK(refused([](auto&, auto& a, auto& b) { b.five_tuple = a.five_tuple; }));
  CHECK(refused([](auto&, auto& a, auto& b) { b.relays = a.relays; }));
  CHECK(refused([](auto&, auto& a, auto&) { a.relays = {}; }));
  CHECK(refused([](auto&, auto& a, auto&) { std::swap(a.relays[0], a.relays[1]); }));
  CHECK(refused([](auto&, auto& a, auto&) { a.link = turnd::LinkNumber{1}; }));
  CHECK(refused([](auto&, auto& a, auto&) { a.link.reset(); })); // away, and not mobile
  CHECK(refused([](auto& state, auto& a, auto&) {
    state.servers[0].staying.push_back(a.relays[0]->address);
  }));
  CHECK(refused([](auto&, auto& a, auto& b) {
    a.mobile.emplace();
    b.mobile.emplace();
  }));
  CHECK(refused([](auto& state, auto&, auto&) { state.servers[0].arrivals.resize(2); }));
  CHECK(refused([](auto& state, auto& a, auto&) {
    state.servers.emplace_back();
    state.servers[1].allocations.push_back(a);
  }));
}

} // namespace
