#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using turnd::DropReason;

constexpr const char* kPeer = "203.0.113.9:5000";

struct Relaying : Scene {
  explicit Relaying(turnd::Transport transport = turnd::Transport::udp, const Options& options = {})
      : Scene(options), alice("alice", "wonder") {
    alice.five_tuple.transport = transport;
    REQUIRE(allocate(alice).is_success());
    REQUIRE(
        request(alice, stun::Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
    REQUIRE(request(alice, stun::Method::create_permission, Client::peers({"203.0.113.10:1"}))
                .is_success());
  }
  Client alice;
};

TEST_CASE("ChannelData goes to the channel's peer through the client's relay socket") {
  Relaying scene;
  const auto bytes = Client::channel_data(0x4001, "hello");
  const auto decision =
      scene.server.from_client(scene.alice.five_tuple, scene.alice.tag, bytes, scene.now);
  const auto& out = std::get<turnd::ToPeer>(decision);
  CHECK(out.relay == scene.last_relay());
  CHECK(out.peer->address.to_string() == kPeer);
  CHECK(core::text_of(out.payload) == "hello");
  CHECK(out.payload.data() == bytes.data() + 4); // where it lay, not a copy
  CHECK(scene.nothing_left());
}

TEST_CASE("a peer with a channel is heard as ChannelData, written in place") {
  Relaying scene;
  Buffer buffer(turnd::Packet::kHeadroom + 5 + turnd::Packet::kTailroom, 0xee);
  std::ranges::copy(std::string_view("hello"), buffer.begin() + turnd::Packet::kHeadroom);
  const turnd::Packet packet(core::MutableBytes(buffer).subspan(turnd::Packet::kHeadroom, 5));
  const auto decision = scene.server.from_peer(
      scene.last_relay(), {core::SocketAddress::parse(kPeer).value()}, packet, scene.now);
  const auto& out = std::get<turnd::ToClient>(decision);
  CHECK(out.kind == turnd::ToClient::Kind::data);
  CHECK(out.client == scene.alice.tag);
  CHECK(*out.five_tuple == scene.alice.five_tuple);
  CHECK(out.bytes.data() == buffer.data() + turnd::Packet::kHeadroom - 4);
  CHECK(Buffer(out.bytes.begin(), out.bytes.end()) == Client::channel_data(0x4001, "hello"));
  CHECK(scene.nothing_left());
}

TEST_CASE("a peer without a channel is heard in Data indications (RFC 8656 11.3)") {
  for (const std::size_t size : {0, 1, 2, 3, 4, 1200}) {
    Relaying scene;
    const std::string payload(size, 'p');
    const auto result = scene.feed_peer(scene.last_relay(), "203.0.113.10:6000", payload);
    REQUIRE(result.answer);
    const auto& message = result.answer->message();
    CHECK(message.method() == stun::Method::data);
    CHECK(message.message_class() == stun::Class::indication);
    CHECK(result.answer->address(Attribute::xor_peer_address)->to_string() == "203.0.113.10:6000");
    CHECK(result.answer->text(Attribute::data) == payload);
    CHECK(result.to_client->size() == 20 + 12 + 4 + stun::padded(size));
    for (std::size_t i = 36 + size; i < result.to_client->size(); ++i) {
      CHECK((*result.to_client)[i] == 0); // padding
    }
    const auto next = scene.feed_peer(scene.last_relay(), "203.0.113.10:6000", payload);
    CHECK(next.answer->message().transaction_id() != message.transaction_id());
  }
}

TEST_CASE("Data indications carry IPv6 peers, within the headroom") {
  Options options;
  options.relay_addresses = {relay_address("2001:db8::130")};
  Scene scene(options);
  Client alice("alice", "wonder");
  REQUIRE(
      scene.allocate(alice, Client::family(Attribute::requested_address_family, stun::kFamilyIpv6))
          .is_success());
  REQUIRE(scene.request(alice, stun::Method::create_permission, Client::peers({"[2a00::9]:1"}))
              .is_success());
  const auto result = scene.feed_peer(scene.last_relay(), "[2a00::9]:6000", "abc");
  REQUIRE(result.answer);
  CHECK(result.answer->address(Attribute::xor_peer_address)->to_string() == "[2a00::9]:6000");
  CHECK(result.to_client->size() == turnd::Packet::kHeadroom + 4);
}

TEST_CASE("a datagram that doesn't fit into a Data indication is dropped") {
  Relaying scene;
  const std::string longest(65535 - 12 - 4 - 3, 'x');
  CHECK(scene.feed_peer(scene.last_relay(), "203.0.113.10:6000", longest).to_client);
  CHECK(scene.feed_peer(scene.last_relay(), "203.0.113.10:6000", std::string(65530, 'x')).dropped ==
        DropReason::too_long);
}

TEST_CASE("Send indications go to the peer they name (RFC 8656 11.2)") {
  Relaying scene;
  const auto result = scene.feed(scene.alice, scene.alice.send_indication("203.0.113.10:7", "hi"));
  REQUIRE(result.to_peer);
  CHECK(result.to_peer->relay == scene.last_relay());
  CHECK(result.to_peer->peer.to_string() == "203.0.113.10:7");
  CHECK(result.to_peer->payload == "hi");
}

TEST_CASE("rule 18: without an allocation, indications and ChannelData get silence") {
  Scene scene;
  Client alice("alice", "wonder");
  CHECK(scene.feed(alice, alice.send_indication(kPeer, "x")).dropped == DropReason::no_allocation);
  CHECK(scene.feed(alice, Client::channel_data(0x4001, "x")).dropped == DropReason::no_allocation);
}

TEST_CASE("what a client may not do gets silence too") {
  Relaying scene;
  const auto dropped = [&](core::Bytes bytes) {
    return scene.feed(scene.alice, bytes).dropped.value();
  };
  CHECK(dropped(Client::channel_data(0x4002, "x")) == DropReason::no_channel);
  CHECK(dropped(scene.alice.send_indication("203.0.113.11:7", "x")) == DropReason::no_permission);
  CHECK(dropped(scene.alice.send_indication("[2001:db8::9]:7", "x")) == DropReason::no_permission);
  CHECK(dropped(scene.alice.send_indication("203.0.113.10:0", "x")) == DropReason::not_turn);
  auto too_short = Client::channel_data(0x4001, "hello");
  too_short.pop_back();
  CHECK(dropped(too_short) == DropReason::not_turn);
  CHECK(scene.feed_peer(scene.last_relay(), "203.0.113.11:1", "x").dropped ==
        DropReason::no_permission);
  CHECK(scene.feed_peer({99, 1}, kPeer, "x").dropped == DropReason::unknown_relay);
}

TEST_CASE("a Send indication without peer or data, or with what isn't understood, is dropped") {
  Relaying scene;
  const auto dropped = [&](const Client::Fill& fill) {
    return scene
        .feed(scene.alice, scene.alice.message(stun::Method::send, stun::Class::indication, fill))
        .dropped;
  };
  const Client::Fill data = [](auto& m) { m.add_text(Attribute::data, "x"); };
  CHECK(dropped(data) == DropReason::not_turn);
  CHECK(dropped(Client::peers({"203.0.113.10:7"})) == DropReason::not_turn);
  CHECK(dropped(Client::both(data, [](auto& m) {
          m.add_text(Attribute::xor_peer_address, "abc");
        })) == DropReason::not_turn);
  const Client::Fill complete = Client::both(Client::peers({"203.0.113.10:7"}), data);
  CHECK_FALSE(dropped(complete));
  CHECK(dropped(Client::both(complete, [](auto& m) { m.add(Attribute::even_port, {}); })) ==
        DropReason::not_turn);
}

TEST_CASE("rule 8: a Send indication with DONT-FRAGMENT asks for DF, others don't (RFC 8656 15)") {
  Relaying scene;
  const Client::Fill plain = Client::both(Client::peers({"203.0.113.10:7"}),
                                          [](auto& m) { m.add_text(Attribute::data, "x"); });
  const auto sent = [&](const Client::Fill& fill) {
    return scene
        .feed(scene.alice, scene.alice.message(stun::Method::send, stun::Class::indication, fill))
        .to_peer.value();
  };
  CHECK(sent(Client::both(plain, [](auto& m) { m.add(Attribute::dont_fragment, {}); })).ip ==
        turnd::IpFields{.dont_fragment = true});
  CHECK(sent(plain).ip == turnd::IpFields{});
}

TEST_CASE("rule 25: ChannelData to stream clients is padded with zeros, to UDP clients not") {
  for (const auto transport :
       {turnd::Transport::udp, turnd::Transport::tcp, turnd::Transport::tls}) {
    Relaying scene(transport);
    const auto result = scene.feed_peer(scene.last_relay(), kPeer, "hello");
    auto expected = Client::channel_data(0x4001, "hello");
    if (transport != turnd::Transport::udp) expected.resize(12, 0);
    CHECK(result.to_client == expected);
  }
}

TEST_CASE("rule 25: padded ChannelData from a client is taken, and the padding is not relayed") {
  Relaying scene;
  auto padded = Client::channel_data(0x4001, "hello");
  padded.resize(12, 0xaa);
  CHECK(scene.feed(scene.alice, padded).to_peer->payload == "hello");
}

TEST_CASE("rule 27: empty payloads are relayed, all four ways") {
  Relaying scene;
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, "")).to_peer->payload.empty());
  CHECK(scene.feed(scene.alice, scene.alice.send_indication("203.0.113.10:7", "")).to_peer);
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, "").to_client->size() == 4);
  CHECK(scene.feed_peer(scene.last_relay(), "203.0.113.10:7", "").answer->has(Attribute::data));
}

TEST_CASE("rule 31: DSCP, ECN and TTL go along, the TTL one less (RFC 8656 15)") {
  Relaying scene;
  const turnd::IpFields came{.traffic_class = 0xb9, .hop_limit = 57};
  const turnd::IpFields goes{.traffic_class = 0xb9, .hop_limit = 56};
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, "x"), came).to_peer->ip == goes);
  CHECK(scene.feed(scene.alice, scene.alice.send_indication("203.0.113.10:7", "x"), came)
            .to_peer->ip == goes);
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, "x", came).ip == goes);
  CHECK(scene.feed_peer(scene.last_relay(), "203.0.113.10:7", "x", came).ip == goes);
}

TEST_CASE("rule 31: nothing leaves with a TTL of 0") {
  Relaying scene;
  for (const std::uint8_t last : {std::uint8_t{0}, std::uint8_t{1}}) {
    const turnd::IpFields came{.hop_limit = last};
    CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, "x"), came).dropped ==
          DropReason::hop_limit);
    CHECK(scene.feed_peer(scene.last_relay(), kPeer, "x", came).dropped == DropReason::hop_limit);
  }
  const turnd::IpFields came{.hop_limit = 2};
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, "x", came).ip.hop_limit == 1);
}

TEST_CASE("what came over a stream leaves with the kernel's defaults (RFC 8656 16)") {
  Relaying scene(turnd::Transport::tcp);
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, "x")).to_peer->ip ==
        turnd::IpFields{});
}

TEST_CASE("rule 32: the transport and the server's address are part of the five-tuple") {
  Relaying scene;
  Client other = scene.alice;
  other.five_tuple.transport = turnd::Transport::tcp;
  CHECK(scene.feed(other, Client::channel_data(0x4001, "x")).dropped == DropReason::no_allocation);
  other = scene.alice;
  other.five_tuple.server = core::SocketAddress::parse("198.51.100.131:3478").value();
  CHECK(scene.feed(other, Client::channel_data(0x4001, "x")).dropped == DropReason::no_allocation);
  CHECK(scene.allocate(other).is_success());
  CHECK(scene.server.allocation_count() == 2);
}

TEST_CASE(
    "what arrives for an allocation that is gone reaches nobody, also after its place is used "
    "again") {
  Relaying scene;
  const auto old = scene.last_relay();
  REQUIRE(scene.request(scene.alice, stun::Method::refresh, Client::lifetime(0)).is_success());
  CHECK(scene.feed_peer(old, kPeer, "x").dropped == DropReason::unknown_relay);
  REQUIRE(scene.allocate(scene.alice).is_success());
  REQUIRE(scene.request(scene.alice, stun::Method::create_permission, Client::peers({kPeer}))
              .is_success());
  CHECK(scene.last_relay().index == old.index);
  CHECK(scene.feed_peer(old, kPeer, "x").dropped == DropReason::unknown_relay);
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, "x").to_client);
}

TEST_CASE("the bandwidth limit counts both directions, and refills with time") {
  Options options;
  options.limits.bandwidth_per_allocation = 1000;
  Relaying scene(turnd::Transport::udp, options);
  const std::string half(500, 'x');
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, half)).to_peer);
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, half).to_client);
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, "x")).dropped ==
        DropReason::bandwidth);
  CHECK(scene.feed_peer(scene.last_relay(), kPeer, "x").dropped == DropReason::bandwidth);
  scene.pass(std::chrono::milliseconds(500));
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, half)).to_peer);
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, "x")).dropped ==
        DropReason::bandwidth);
  scene.pass(seconds(100)); // one second's worth is all that is saved up
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, std::string(1001, 'x'))).dropped ==
        DropReason::bandwidth);
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, std::string(1000, 'x'))).to_peer);
}

TEST_CASE("counters know what was relayed and why something wasn't") {
  Relaying scene;
  (void)scene.feed(scene.alice, Client::channel_data(0x4001, "hello"));
  (void)scene.feed_peer(scene.last_relay(), kPeer, "abc");
  (void)scene.feed(scene.alice, Client::channel_data(0x4002, "x"));
  const auto& counters = scene.server.counters();
  CHECK(counters.to_peers[0] == turnd::Traffic{.packets = 1, .bytes = 5});
  CHECK(counters.to_clients[0] == turnd::Traffic{.packets = 1, .bytes = 3});
  CHECK(counters.allocations == 1);
  CHECK(counters.drops[static_cast<std::size_t>(DropReason::no_channel)] == 1);
}

} // namespace
