// Which channels are offloaded, until when, and what ends it.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using stun::Method;
using turnd::OffloadNumber;
using turnd::Traffic;

constexpr const char* kPeer = "203.0.113.9:5000";
constexpr std::uint32_t kFirst = 100;

struct Offloading : Scene {
  explicit Offloading(const Options& options = {}, std::uint32_t numbers = 8) : Scene(options) {
    server.set_offload_numbers(kFirst, numbers, now);
    REQUIRE(allocate(alice).is_success());
  }
  bool bind(std::uint16_t channel = 0x4001, const char* peer = kPeer) {
    return request(alice, Method::channel_bind, Client::channel(channel, peer)).is_success();
  }
  bool permit(const char* peer = kPeer) {
    return request(alice, Method::create_permission, Client::peers({peer})).is_success();
  }
  bool refresh(std::uint32_t lifetime) {
    return request(alice, Method::refresh,
                   [=](auto& m) { m.add_u32(Attribute::lifetime, lifetime); })
        .is_success();
  }
  // The only one.
  const turnd::BeginOffload& only() {
    REQUIRE(offloaded.size() == 1);
    return offloaded.begin()->second;
  }
  seconds left() { return std::chrono::duration_cast<seconds>(only().expires - now.steady); }
  void count(const Traffic& to_peer, const Traffic& to_client) {
    server.offload_counted(only().number, to_peer, to_client, now);
    settle_commands();
  }
  turnd::SessionView view() {
    std::vector<turnd::SessionView> views;
    server.view_sessions({}, 10, now, views);
    REQUIRE(views.size() == 1);
    return views.front();
  }
  Client alice{"alice", "wonder"};
};

TEST_CASE("without numbers nothing is offloaded, and nothing is said of it") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(scene.request(alice, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
  CHECK(scene.offloaded.empty());
  CHECK(scene.to_others.empty());
}

TEST_CASE("a channel that is bound is offloaded, with all that its packets need") {
  Offloading scene;
  REQUIRE(scene.permit("203.0.113.10:1")); // which is not enough
  CHECK(scene.offloaded.empty());
  REQUIRE(scene.bind());
  const auto& begun = scene.only();
  CHECK(begun.number == OffloadNumber{kFirst});
  CHECK(begun.binding == turnd::OffloadBinding{.client = scene.alice.five_tuple.client,
                                               .server = scene.alice.five_tuple.server,
                                               .relay = scene.opened.back().address,
                                               .peer = address_of(kPeer),
                                               .channel = 0x4001});
  REQUIRE(scene.bind(0x4002, "203.0.113.10:5000"));
  CHECK(scene.offloaded.size() == 2);
  CHECK(scene.server.offload_figures().bindings == 2);
}

TEST_CASE("it expires with the first of permission, channel and allocation (RFC 8656 3, 12)") {
  Offloading scene;
  REQUIRE(scene.bind());
  CHECK(scene.left() == seconds(300)); // the permission
  scene.pass(seconds(200));
  REQUIRE(scene.permit());
  CHECK(scene.left() == seconds(300));
  scene.pass(seconds(200));
  REQUIRE(scene.permit());
  CHECK(scene.left() == seconds(200)); // the channel and the allocation
  REQUIRE(scene.bind());
  CHECK(scene.left() == seconds(200)); // the allocation
  REQUIRE(scene.refresh(600));
  CHECK(scene.left() == seconds(300));
  CHECK(scene.only().number == OffloadNumber{kFirst}); // the same all the time
}

TEST_CASE("what has expired gives its number back when it is counted next") {
  Offloading scene;
  REQUIRE(scene.bind());
  scene.pass(seconds(299));
  scene.count({}, {});
  CHECK(scene.offloaded.size() == 1);
  scene.pass(seconds(1));
  scene.count({}, {});
  CHECK(scene.offloaded.empty());
  CHECK(scene.server.offload_figures().bindings == 0);
  REQUIRE(scene.permit()); // the channel is still there
  CHECK(scene.offloaded.size() == 1);
}

TEST_CASE("rule 19: a Refresh of 0 ends it, and so do expiry, an operator and the client's end") {
  SECTION("Refresh") {
    Offloading scene;
    REQUIRE(scene.bind());
    REQUIRE(scene.refresh(0));
    CHECK(scene.offloaded.empty());
  }
  SECTION("expiry") {
    Offloading scene;
    REQUIRE(scene.bind());
    scene.pass(seconds(601));
    CHECK(scene.server.allocation_count() == 0);
    CHECK(scene.offloaded.empty());
  }
  SECTION("an operator") {
    Offloading scene;
    REQUIRE(scene.bind());
    REQUIRE(scene.server.end_session(scene.view().session.id, scene.now));
    scene.settle_commands();
    CHECK(scene.offloaded.empty());
  }
  SECTION("the client's end") {
    Offloading scene;
    REQUIRE(scene.bind());
    scene.server.client_gone(scene.alice.five_tuple, scene.now);
    scene.settle_commands();
    CHECK(scene.offloaded.empty());
  }
  SECTION("another process") {
    Offloading scene;
    REQUIRE(scene.bind());
    scene.server.let_go([](turnd::ClientTag) { return turnd::LinkNumber{1}; });
    scene.settle_commands();
    CHECK(scene.offloaded.empty());
  }
}

TEST_CASE("a reload that forbids the peer ends it") {
  Offloading scene;
  REQUIRE(scene.bind());
  REQUIRE(scene.bind(0x4002, "203.0.114.9:5000"));
  Options options;
  options.deny = networks({"203.0.113.0/24"});
  scene.reload(options);
  CHECK(scene.only().binding.channel == 0x4002);
}

TEST_CASE("a number comes again only when its binding's end has been confirmed") {
  Offloading scene({}, 1);
  scene.confirm_offload_ends = false;
  REQUIRE(scene.bind());
  scene.server.end_session(scene.view().session.id, scene.now);
  scene.settle_commands();
  Client bob("bob", "builder", "192.0.2.8:40000");
  REQUIRE(scene.allocate(bob).is_success());
  const auto bind = [&] {
    return scene.request(bob, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success();
  };
  REQUIRE(bind()); // by the ordinary way
  CHECK(scene.offloaded.empty());
  CHECK(scene.server.offload_figures().without_number == 1);
  scene.server.offload_ended(OffloadNumber{kFirst}, {.packets = 3, .bytes = 30}, {}, scene.now);
  CHECK(scene.server.counters().to_peers[0] == Traffic{.packets = 3, .bytes = 30});
  REQUIRE(bind());
  CHECK(scene.only().number == OffloadNumber{kFirst});
}

TEST_CASE("what the kernel refuses is relayed here, and tried again with the next request") {
  Offloading scene;
  scene.refuse_offload = true;
  REQUIRE(scene.bind());
  CHECK(scene.offloaded.empty());
  CHECK(scene.server.offload_figures().refused == 1);
  CHECK(scene.server.offload_figures().bindings == 0);
  scene.refuse_offload = false;
  REQUIRE(scene.bind());
  CHECK(scene.offloaded.size() == 1);
  CHECK(scene.feed(scene.alice, Client::channel_data(0x4001, "x")).to_peer); // either way
}

TEST_CASE("relay loops are never offloaded: peers that are this server, by whatever address") {
  Options options;
  options.relay_addresses = {relay_address("198.51.100.130", "203.0.113.130")};
  Offloading scene(options);
  Client bob("bob", "builder", "192.0.2.8:40000");
  REQUIRE(scene.allocate(bob).is_success());
  const auto port = std::to_string(scene.opened.back().address.port());
  REQUIRE(scene.bind(0x4001, ("203.0.113.130:" + port).c_str())); // bob, as clients know him
  CHECK(scene.offloaded.empty());
  Offloading plain;
  REQUIRE(plain.bind(0x4001, "198.51.100.130:50001")); // the listener's address, too
  CHECK(plain.offloaded.empty());
}

TEST_CASE("only plain UDP of plain addresses is offloaded") {
  const auto offloads = [](turnd::Transport transport, const char* client, const char* server) {
    Scene scene;
    scene.server.set_offload_numbers(0, 8, scene.now);
    Client alice("alice", "wonder", client);
    alice.five_tuple.transport = transport;
    alice.five_tuple.server = address_of(server);
    REQUIRE(scene.allocate(alice).is_success());
    REQUIRE(
        scene.request(alice, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
    return !scene.offloaded.empty();
  };
  using turnd::Transport;
  const char* client = "192.0.2.7:40000";
  const char* server = "198.51.100.130:3478";
  CHECK(offloads(Transport::udp, client, server));
  CHECK(offloads(Transport::udp, "[2001:db8::7]:40000", "[2001:db8::1]:3478"));
  CHECK_FALSE(offloads(Transport::dtls, client, server));
  CHECK_FALSE(offloads(Transport::tcp, client, server));
  CHECK_FALSE(offloads(Transport::tls, client, server));
  CHECK_FALSE(offloads(Transport::udp, "[fe80::7]:40000", "[fe80::1]:3478"));
  CHECK_FALSE(offloads(Transport::udp, "[::ffff:192.0.2.7]:40000", "[::ffff:198.51.100.130]:3478"));
  CHECK_FALSE(offloads(Transport::udp, "198.51.100.130:40000", server)); // claims to be us
}

TEST_CASE("of a dual allocation one family's channels end with its relay") {
  Options options;
  options.relay_addresses = {relay_address("198.51.100.130"), relay_address("2a00::130")};
  Scene scene(options);
  scene.server.set_offload_numbers(0, 8, scene.now);
  Client alice("alice", "wonder");
  REQUIRE(
      scene.allocate(alice, Client::family(Attribute::additional_address_family, stun::kFamilyIpv6))
          .is_success());
  for (const auto& [number, peer] :
       {std::pair{0x4001, kPeer}, std::pair{0x4002, "[2a00::9]:5000"}}) {
    REQUIRE(scene
                .request(alice, Method::channel_bind,
                         Client::channel(static_cast<std::uint16_t>(number), peer))
                .is_success());
  }
  CHECK(scene.offloaded.size() == 2);
  REQUIRE(scene
              .request(alice, Method::refresh,
                       [](auto& m) {
                         m.add_u32(Attribute::lifetime, 0);
                         Client::family(Attribute::requested_address_family, stun::kFamilyIpv6)(m);
                       })
              .is_success());
  REQUIRE(scene.offloaded.size() == 1);
  CHECK(scene.offloaded.begin()->second.binding.channel == 0x4001);
}

TEST_CASE("what is counted elsewhere counts here: session, worker, and how much of it") {
  Offloading scene;
  REQUIRE(scene.bind());
  scene.count({.packets = 2, .bytes = 200}, {.packets = 3, .bytes = 330});
  scene.feed(scene.alice, Client::channel_data(0x4001, "hello"));
  CHECK(scene.view().session.to_peers == Traffic{.packets = 3, .bytes = 205});
  CHECK(scene.view().session.to_client == Traffic{.packets = 3, .bytes = 330});
  const auto counters = scene.server.counters();
  CHECK(counters.to_peers[0] == Traffic{.packets = 3, .bytes = 205});
  CHECK(counters.offloaded_to_peers == Traffic{.packets = 2, .bytes = 200});
  CHECK(counters.offloaded_to_clients == Traffic{.packets = 3, .bytes = 330});
}

TEST_CASE(
    "an allocation above its bandwidth comes back to the ordinary way, which holds the limit") {
  Options options;
  options.limits.bandwidth_per_allocation = 1000;
  Offloading scene(options);
  REQUIRE(scene.bind());
  scene.count({.packets = 1, .bytes = 900}, {});
  CHECK(scene.offloaded.size() == 1);
  scene.count({.packets = 2, .bytes = 600}, {.packets = 1, .bytes = 500}); // owes 1000
  CHECK(scene.offloaded.empty());
  CHECK(scene.server.limits_hit().totals()[static_cast<std::size_t>(turnd::Limit::bandwidth)] == 1);
  REQUIRE(scene.bind()); // doesn't help
  CHECK(scene.offloaded.empty());
  const auto relayed = [&] {
    return scene.feed(scene.alice, Client::channel_data(0x4001, std::string(100, 'x')))
        .to_peer.has_value();
  };
  scene.pass(std::chrono::milliseconds(900));
  CHECK_FALSE(relayed()); // it still owes
  scene.pass(std::chrono::milliseconds(300));
  CHECK(relayed());
  CHECK(scene.offloaded.empty()); // not half full yet
  scene.pass(seconds(2));
  CHECK(scene.offloaded.size() == 1);
}

TEST_CASE("what is counted of channels that are ending is their session's, and charged, too") {
  Options options;
  options.limits.bandwidth_per_allocation = 1000;
  Offloading scene(options);
  scene.confirm_offload_ends = false;
  REQUIRE(scene.bind());
  REQUIRE(scene.bind(0x4002, "203.0.113.10:5000"));
  const Traffic one{.packets = 1, .bytes = 1500};
  scene.server.offload_counted(OffloadNumber{kFirst}, one, {}, scene.now); // ends them both
  scene.server.offload_counted(OffloadNumber{kFirst + 1}, one, {}, scene.now);
  scene.settle_commands();
  CHECK(scene.offloaded.empty());
  scene.server.offload_ended(OffloadNumber{kFirst + 1}, {}, one, scene.now);
  CHECK(scene.view().session.to_peers == Traffic{.packets = 2, .bytes = 3000});
  CHECK(scene.view().session.to_client == one);
  scene.pass(std::chrono::milliseconds(3400)); // 4500 bytes: 3500 are owed
  CHECK_FALSE(scene.feed(scene.alice, Client::channel_data(0x4001, "x")).to_peer);
}

TEST_CASE("so does every allocation of a user who is above his") {
  Options options;
  options.bandwidth_per_user = 1000;
  Offloading scene(options);
  REQUIRE(scene.bind());
  scene.count({.packets = 1, .bytes = 2500}, {});
  CHECK(scene.offloaded.empty());
  CHECK(scene.server.limits_hit()
            .totals()[static_cast<std::size_t>(turnd::Limit::bandwidth_per_user)] == 1);
  scene.pass(seconds(1));
  CHECK(scene.offloaded.empty());
  scene.pass(seconds(2));
  CHECK(scene.offloaded.size() == 1);
}

TEST_CASE("a mobile client's bindings move with it (RFC 8016)") {
  Options options;
  options.mobility = true;
  Scene scene(options);
  scene.server.set_offload_numbers(0, 8, scene.now);
  Client alice("alice", "wonder");
  const auto answer = scene.allocate(alice, [](auto& m) { m.add(Attribute::mobility_ticket, {}); });
  REQUIRE(answer.is_success());
  REQUIRE(scene.request(alice, Method::channel_bind, Client::channel(0x4001, kPeer)).is_success());
  REQUIRE(scene.offloaded.size() == 1);

  const auto tickets = answer.answer->all(Attribute::mobility_ticket);
  const auto former = alice.five_tuple.client;
  alice.five_tuple.client = address_of("192.0.2.99:41000");
  const auto refresh = [&](auto& m) { m.add(Attribute::mobility_ticket, tickets.front()); };
  auto moved = scene.request(alice, Method::refresh, refresh);
  if (moved.error() == 438 || moved.error() == 401) {
    alice.learn(*moved.answer);
    moved = scene.request(alice, Method::refresh, refresh);
  }
  REQUIRE(moved.is_success());
  CHECK(scene.offloaded.begin()->second.binding.client == former); // it hasn't used the new one yet
  scene.feed(alice, Client::channel_data(0x4001, "here"));
  scene.settle_commands();
  REQUIRE(scene.offloaded.size() == 1);
  CHECK(scene.offloaded.begin()->second.binding.client == alice.five_tuple.client);
}

TEST_CASE("offloading may begin and end while there are allocations") {
  Offloading scene;
  REQUIRE(scene.bind());
  scene.offloaded.clear();
  scene.server.set_offload_numbers(0, 0, scene.now);
  scene.settle_commands();
  CHECK(scene.offloaded.empty());
  REQUIRE(scene.permit());
  CHECK(scene.offloaded.empty());
  scene.server.offload_ended(OffloadNumber{kFirst}, {}, {}, scene.now); // comes late
  scene.server.set_offload_numbers(8, 8, scene.now);
  scene.settle_commands();
  CHECK(scene.only().number == OffloadNumber{8});
}

} // namespace
