#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;
using turnd::DropReason;

const auto kIpv4 = stun::kFamilyIpv4;
const auto kIpv6 = stun::kFamilyIpv6;

Options dual_stack() {
  Options options;
  options.relay_addresses = {relay_address("198.51.100.130"), relay_address("2001:db8::130")};
  return options;
}

TEST_CASE("an Allocate is answered when its relay socket is open, and not before") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  const auto request = alice.request(stun::Method::allocate, Client::udp());
  const auto decision = scene.server.from_client(alice.five_tuple, alice.tag, request, scene.now);
  CHECK(std::get<turnd::Drop>(decision).reason == DropReason::answer_comes_later);
  const auto command = scene.server.poll_command();
  REQUIRE(command);
  const auto open = std::get<turnd::OpenRelay>(*command);
  CHECK(open.address.ip() == core::IpAddress::v4(198, 51, 100, 130));
  CHECK(scene.nothing_left());

  const auto answer = std::get<turnd::ToClient>(scene.server.relay_opened(open.relay, scene.now));
  CHECK(answer.client == alice.tag);
  CHECK(*answer.five_tuple == alice.five_tuple);
  const Received received(answer.bytes);
  REQUIRE(received.is_success());
  CHECK(received.address(Attribute::xor_relayed_address) == open.address);
  CHECK(received.address(Attribute::xor_mapped_address) == alice.five_tuple.client);
  CHECK(received.u32(Attribute::lifetime) == 600);
  CHECK(stun::has_valid_integrity(received.message(), alice.key().bytes()));
  CHECK(scene.nothing_left());
}

TEST_CASE("rule 1: the same Allocate again gets success with the remaining lifetime; another 437") {
  Scene scene;
  Client alice("alice", "wonder");
  const auto first = scene.allocate(alice);
  REQUIRE(first.is_success());
  scene.pass(seconds(100));

  const auto again = scene.feed(
      alice, alice.again(stun::Method::allocate, stun::Class::request, Client::udp(), true));
  REQUIRE(again.is_success());
  CHECK(again.answer->address(Attribute::xor_relayed_address) ==
        first.answer->address(Attribute::xor_relayed_address));
  CHECK(again.answer->u32(Attribute::lifetime) == 500);

  const auto other = scene.allocate(alice);
  CHECK(other.error() == 437);
  CHECK(scene.server.allocation_count() == 1);
  CHECK(scene.opened.size() == 1);
}

TEST_CASE("a copy of an Allocate whose sockets are not open yet is not answered twice") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  const auto request = alice.request(stun::Method::allocate, Client::udp());
  (void)scene.server.from_client(alice.five_tuple, alice.tag, request, scene.now);
  const auto copy = scene.server.from_client(alice.five_tuple, alice.tag, request, scene.now);
  CHECK(std::get<turnd::Drop>(copy).reason == DropReason::answer_comes_later);
  const auto other = alice.request(stun::Method::allocate, Client::udp());
  const auto answer = scene.server.from_client(alice.five_tuple, alice.tag, other, scene.now);
  CHECK(Received(std::get<turnd::ToClient>(answer).bytes).error() == 437);
  CHECK(scene.server.poll_command().has_value());
  CHECK(scene.nothing_left());
}

TEST_CASE("rule 2: REQUESTED-TRANSPORT missing or malformed is 400, another than UDP 442") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  CHECK(scene.request(alice, stun::Method::allocate).error() == 400);
  CHECK(scene
            .request(alice, stun::Method::allocate,
                     [](auto& m) { m.add_text(Attribute::requested_transport, "\x11"); })
            .error() == 400);
  CHECK(scene
            .request(alice, stun::Method::allocate,
                     [](auto& m) {
                       m.add_u32(Attribute::requested_transport,
                                 std::uint32_t{stun::kTransportTcp} << 24);
                     })
            .error() == 442);
  CHECK(scene.server.allocation_count() == 0);
  CHECK(scene.nothing_left());
}

TEST_CASE("rule 3: the lifetime is clamped to the maximum, and never under 600 s (RFC 8656 7.2)") {
  for (const auto& [requested, granted] :
       std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 600},
                                                            {599, 600},
                                                            {600, 600},
                                                            {601, 601},
                                                            {1800, 1800},
                                                            {1801, 1800},
                                                            {0xffffffff, 1800}}) {
    Options options;
    options.limits.max_lifetime = seconds(1800);
    Scene scene(options);
    Client alice("alice", "wonder");
    const auto answer = scene.allocate(alice, Client::lifetime(requested));
    REQUIRE(answer.is_success());
    CHECK(answer.answer->u32(Attribute::lifetime) == granted);
    scene.pass(seconds(granted - 1));
    CHECK(scene.server.allocation_count() == 1);
    scene.pass(seconds(2));
    CHECK(scene.server.allocation_count() == 0);
    CHECK(scene.closed == std::vector{scene.last_relay()});
  }
}

TEST_CASE("a LIFETIME of the wrong size is a bad request") {
  Scene scene;
  Client alice("alice", "wonder");
  CHECK(scene.allocate(alice, [](auto& m) { m.add_text(Attribute::lifetime, "ab"); }).error() ==
        400);
}

TEST_CASE("rule 4: RESERVATION-TOKEN with EVEN-PORT or a family is 400, an unknown token 508") {
  Scene scene(dual_stack());
  Client alice("alice", "wonder");
  const Client::Fill token = [](auto& m) { m.add_text(Attribute::reservation_token, "12345678"); };
  const Client::Fill even = [](auto& m) {
    m.add_text(Attribute::even_port, std::string_view("\0", 1));
  };
  CHECK(scene.allocate(alice, token).error() == 508);
  CHECK(scene.allocate(alice, Client::both(token, even)).error() == 400);
  CHECK(scene
            .allocate(alice, Client::both(
                                 token, Client::family(Attribute::requested_address_family, kIpv4)))
            .error() == 400);
  CHECK(scene
            .allocate(alice, Client::both(token, Client::family(
                                                     Attribute::additional_address_family, kIpv6)))
            .error() == 400);
  CHECK(scene.allocate(alice, [](auto& m) { m.add_text(Attribute::reservation_token, "1234567"); })
            .error() == 400);
  CHECK(scene.server.allocation_count() == 0);
}

TEST_CASE("EVEN-PORT gives an even port (RFC 8656 7.2)") {
  for (int i = 0; i < 20; ++i) {
    Scene scene;
    scene.random = SeededRandom(static_cast<std::uint64_t>(i));
    Client alice("alice", "wonder");
    const auto answer = scene.allocate(
        alice, [](auto& m) { m.add_text(Attribute::even_port, std::string_view("\0", 1)); });
    REQUIRE(answer.is_success());
    CHECK(answer.answer->address(Attribute::xor_relayed_address)->port() % 2 == 0);
    CHECK_FALSE(answer.answer->has(Attribute::reservation_token));
    CHECK(scene.opened.size() == 1);
  }
}

const Client::Fill kReserveNext = [](auto& m) { m.add_text(Attribute::even_port, "\x80"); };

TEST_CASE("rule 5: EVEN-PORT with R binds the next port too, and holds it for 30 s") {
  Scene scene;
  Client alice("alice", "wonder");
  const auto first = scene.allocate(alice, kReserveNext);
  REQUIRE(first.is_success());
  REQUIRE(scene.opened.size() == 2);
  const auto port = first.answer->address(Attribute::xor_relayed_address)->port();
  CHECK(port % 2 == 0);
  CHECK(scene.opened[1].address.port() == port + 1);
  const auto token = first.answer->text(Attribute::reservation_token);
  REQUIRE(token.size() == 8);

  Client second("alice", "wonder", "192.0.2.7:40001");
  const Client::Fill with_token = [&](auto& m) { m.add_text(Attribute::reservation_token, token); };
  SECTION("which another Allocate of the same user takes, once") {
    scene.pass(seconds(29));
    const auto answer = scene.allocate(second, with_token);
    REQUIRE(answer.is_success());
    CHECK(answer.answer->address(Attribute::xor_relayed_address)->port() == port + 1);
    CHECK(scene.opened.back().address.port() == port + 1);
    REQUIRE(scene.opened.back().reservation); // the socket that is bound already
    CHECK(std::ranges::equal(*scene.opened.back().reservation, core::bytes_of(token)));
    Client third("alice", "wonder", "192.0.2.7:40002");
    CHECK(scene.allocate(third, with_token).error() == 508);
    // What was held is an allocation's now, and stays open after the reservation's time.
    scene.pass(seconds(60));
    CHECK(scene.closed.empty());
    REQUIRE(scene.request(second, stun::Method::create_permission, Client::peers({"203.0.113.9:1"}))
                .is_success());
    CHECK(scene.feed_peer(scene.last_relay(), "203.0.113.9:7", "x").tag == second.tag);
  }
  SECTION("and then lets go of it") {
    scene.pass(seconds(31));
    CHECK(scene.closed.empty()); // the shell's reservations close it
    CHECK(scene.allocate(second, with_token).error() == 508);
  }
  SECTION("and a port that was let go of is given again") {
    CHECK(scene.server.relay_count() == 1);
    scene.pass(seconds(31));
    scene.refuse_port = [&](const auto& address) { return address.port() != port + 1; };
    Options one_pair;
    one_pair.ports = {.first = 50000, .last = 50001};
    Scene small(one_pair);
    Client first_client("alice", "wonder");
    REQUIRE(small.allocate(first_client, kReserveNext).is_success());
    CHECK(small.allocate(second).error() == 508);
    small.pass(seconds(31));
    small.pass(seconds(31)); // it has rested
    CHECK(small.allocate(second).is_success());
  }
  SECTION("which nobody else can take") {
    Client bob("bob", "builder", "192.0.2.8:40001");
    CHECK(scene.allocate(bob, with_token).error() == 508);
  }
  SECTION("and which hands nothing to anybody while it is held") {
    CHECK(scene.feed_peer(scene.opened[1].relay, "203.0.113.9:7", "x").dropped ==
          DropReason::unknown_relay);
    CHECK(scene.server.relay_count() == 1);
  }
  SECTION("and outlives the allocation that asked for it") {
    REQUIRE(scene.request(alice, stun::Method::refresh, Client::lifetime(0)).is_success());
    CHECK(scene.closed == std::vector{scene.opened[0].relay});
    CHECK(scene.allocate(second, with_token).is_success());
  }
}

TEST_CASE("rule 5: a token works at another worker, and the port goes home afterwards") {
  turnd::ReservationTable shared(2);
  Options options;
  options.ports = {.first = 50000, .last = 50003};
  options.workers = 2;
  options.reservations = &shared;
  Scene one(options);
  options.worker = 1;
  Scene two(options);
  Client alice("alice", "wonder");
  const auto first = one.allocate(alice, kReserveNext);
  REQUIRE(first.is_success());
  CHECK(first.answer->address(Attribute::xor_relayed_address)->port() == 50000);
  const auto token = first.answer->text(Attribute::reservation_token);

  Client second("alice", "wonder", "192.0.2.7:40001");
  const auto answer =
      two.allocate(second, [&](auto& m) { m.add_text(Attribute::reservation_token, token); });
  REQUIRE(answer.is_success());
  CHECK(answer.answer->address(Attribute::xor_relayed_address)->port() == 50001);
  one.pass(seconds(40)); // the reservation's time at home changes nothing
  Client third("bob", "builder", "192.0.2.9:40001");
  CHECK(one.allocate(third).error() == 508);

  REQUIRE(two.request(second, stun::Method::refresh, Client::lifetime(0)).is_success());
  for (int i = 0; i < 3; ++i) { // the other worker never gives it to anybody else
    Client other("bob", "builder", ("192.0.2.9:" + std::to_string(50000 + i)).c_str());
    const auto got = two.allocate(other);
    CHECK(got.is_success() == (i < 2));
  }
  CHECK(one.allocate(third).error() == 508); // it is home, and rests
  one.pass(seconds(30));
  const auto again = one.allocate(third);
  REQUIRE(again.is_success());
  CHECK(again.answer->address(Attribute::xor_relayed_address)->port() == 50001);
}

TEST_CASE("rule 5: a reserved socket that doesn't arrive is 508, and its port goes home") {
  Options options;
  options.ports = {.first = 50000, .last = 50001};
  Scene scene(options);
  Client alice("alice", "wonder");
  const auto first = scene.allocate(alice, kReserveNext);
  const auto token = first.answer->text(Attribute::reservation_token);
  scene.refuse_port = [](const auto&) { return true; };
  Client second("alice", "wonder", "192.0.2.7:40001");
  CHECK(scene.allocate(second, [&](auto& m) { m.add_text(Attribute::reservation_token, token); })
            .error() == 508);
  CHECK(scene.quota.taken() == 1);
  CHECK(scene.server.relay_count() == 1);
}

TEST_CASE("the number of reservations is limited") {
  turnd::ReservationTable table(1);
  turnd::ReservationToken token{};
  for (std::size_t i = 0; i < turnd::Reservations::kMax; ++i) {
    core::store32(token.data(), static_cast<std::uint32_t>(i));
    CHECK(table.has_room());
    CHECK(table.hold(token, {}, {}));
  }
  core::store32(token.data(), turnd::Reservations::kMax);
  CHECK_FALSE(table.has_room());
  CHECK_FALSE(table.hold(token, {}, {}));

  Options options;
  options.reservations = &table;
  Scene scene(options);
  Client alice("alice", "wonder");
  CHECK(scene.allocate(alice, kReserveNext).error() == 508);
  CHECK(scene.opened.empty());
}

TEST_CASE("a pair of ports is taken or refused as a pair") {
  Scene scene;
  Client alice("alice", "wonder");
  int refusals = 0;
  scene.refuse_port = [&](const core::SocketAddress& address) {
    return address.port() % 2 == 1 && refusals++ < 3;
  };
  const auto answer = scene.allocate(alice, kReserveNext);
  REQUIRE(answer.is_success());
  const auto port = answer.answer->address(Attribute::xor_relayed_address)->port();
  CHECK(scene.opened.back().address.port() == port + 1);
  CHECK(scene.server.relay_count() == 1);
  CHECK(scene.closed.size() == 6); // three pairs were given up
}

TEST_CASE("rule 6: without a family IPv4, also over IPv6 transport; one not served is 440") {
  Scene ipv4_only;
  Client alice("alice", "wonder", "[2001:db8::7]:40000");
  const auto answer = ipv4_only.allocate(alice);
  REQUIRE(answer.is_success());
  CHECK(answer.answer->address(Attribute::xor_relayed_address)->family() == core::Family::ipv4);

  Client bob("bob", "builder");
  CHECK(
      ipv4_only.allocate(bob, Client::family(Attribute::requested_address_family, kIpv6)).error() ==
      440);
  CHECK(ipv4_only.allocate(bob, Client::family(Attribute::requested_address_family, 3)).error() ==
        440);
  CHECK(ipv4_only
            .allocate(bob, [](auto& m) { m.add_text(Attribute::requested_address_family, "\1"); })
            .error() == 400);

  Scene both(dual_stack());
  Client carol("alice", "wonder");
  const auto six = both.allocate(carol, Client::family(Attribute::requested_address_family, kIpv6));
  REQUIRE(six.is_success());
  CHECK(six.answer->address(Attribute::xor_relayed_address)->family() == core::Family::ipv6);
}

TEST_CASE("rule 6: short of ports is 508") {
  Options options;
  options.ports = {.first = 50000, .last = 50001};
  Scene scene(options);
  for (int i = 0; i < 3; ++i) {
    Client alice("alice", "wonder", ("192.0.2.7:" + std::to_string(40000 + i)).c_str());
    CHECK(scene.allocate(alice).error() == (i < 2 ? 0 : 508));
  }
  CHECK(scene.quota.taken() == 2);
}

TEST_CASE("rule 7: ADDITIONAL-ADDRESS-FAMILY gives one address of each family (RFC 8656 7.2)") {
  Scene scene(dual_stack());
  Client alice("alice", "wonder");
  const auto answer =
      scene.allocate(alice, Client::family(Attribute::additional_address_family, kIpv6));
  REQUIRE(answer.is_success());
  const auto relayed = answer.answer->all(Attribute::xor_relayed_address);
  REQUIRE(relayed.size() == 2);
  CHECK(relayed[0].size() == 8);
  CHECK(relayed[1].size() == 20);
  CHECK_FALSE(answer.answer->has(Attribute::address_error_code));
  CHECK(scene.quota.taken() == 1);
  scene.pass(seconds(601));
  CHECK(scene.closed.size() == 2);
}

TEST_CASE("rule 7: the number of the drafts for ADDITIONAL-ADDRESS-FAMILY counts if it is let") {
  Options options = dual_stack();
  const Client::Fill draft = Client::family(Attribute::draft_additional_address_family, kIpv6);
  Client alice("alice", "wonder");
  SECTION("it is an attribute like others that may be unknown") {
    Scene scene(options);
    CHECK(scene.allocate(alice, draft).answer->all(Attribute::xor_relayed_address).size() == 1);
  }
  SECTION("with clients.draft_dual_allocation it means what 0x8000 means") {
    options.draft_dual_allocation = true;
    Scene scene(options);
    CHECK(scene.allocate(alice, draft).answer->all(Attribute::xor_relayed_address).size() == 2);
  }
}

TEST_CASE("rule 7: half a success carries ADDRESS-ERROR-CODE") {
  Options options = dual_stack();
  const Client::Fill both = Client::family(Attribute::additional_address_family, kIpv6);
  SECTION("440 where a family isn't served") {
    options.relay_addresses.pop_back();
    Scene scene(options);
    Client alice("alice", "wonder");
    const auto answer = scene.allocate(alice, both);
    REQUIRE(answer.is_success());
    CHECK(answer.answer->all(Attribute::xor_relayed_address).size() == 1);
    CHECK(answer.answer->all(Attribute::address_error_code) == std::vector<Buffer>{{2, 0, 4, 40}});
  }
  SECTION("508 where no port was to be had, IPv4 included") {
    Scene scene(options);
    scene.refuse_port = [](const auto& a) { return a.family() == core::Family::ipv4; };
    Client alice("alice", "wonder");
    const auto answer = scene.allocate(alice, both);
    REQUIRE(answer.is_success());
    CHECK(answer.answer->address(Attribute::xor_relayed_address)->family() == core::Family::ipv6);
    CHECK(answer.answer->all(Attribute::address_error_code) == std::vector<Buffer>{{1, 0, 5, 8}});
  }
  SECTION("but with neither it is 508, and nothing is kept") {
    Scene scene(options);
    scene.refuse_port = [](const auto&) { return true; };
    Client alice("alice", "wonder");
    CHECK(scene.allocate(alice, both).error() == 508);
    CHECK(scene.server.allocation_count() == 0);
    CHECK(scene.server.relay_count() == 0);
    CHECK(scene.quota.taken() == 0);
  }
}

TEST_CASE("rule 7: ADDITIONAL-ADDRESS-FAMILY is 400 for IPv4, beside a family, and with R") {
  Scene scene(dual_stack());
  Client alice("alice", "wonder");
  const auto additional = [](std::uint8_t family) {
    return Client::family(Attribute::additional_address_family, family);
  };
  CHECK(scene.allocate(alice, additional(kIpv4)).error() == 400);
  CHECK(
      scene
          .allocate(alice, Client::both(additional(kIpv6),
                                        Client::family(Attribute::requested_address_family, kIpv4)))
          .error() == 400);
  CHECK(scene.allocate(alice, Client::both(additional(kIpv6), kReserveNext)).error() == 400);
}

TEST_CASE("rule 8: an Allocate may ask for DONT-FRAGMENT (RFC 8656 7.2)") {
  Scene scene;
  Client alice("alice", "wonder");
  CHECK(scene.allocate(alice, [](auto& m) { m.add(Attribute::dont_fragment, {}); }).is_success());
}

TEST_CASE("rule 9: 486 is the authenticated user's quota, 508 the server's") {
  Options options;
  options.allocations = 3;
  options.allocations_per_user = 2;
  Scene scene(options);
  Client a1("alice", "wonder", "192.0.2.7:40001");
  Client a2("alice", "wonder", "192.0.2.7:40002");
  Client a3("alice", "wonder", "192.0.2.7:40003");
  Client b1("bob", "builder", "192.0.2.7:40004");
  Client b2("bob", "builder", "192.0.2.7:40005");
  CHECK(scene.allocate(a1).is_success());
  CHECK(scene.allocate(a2).is_success());
  CHECK(scene.allocate(a3).error() == 486);
  CHECK(scene.allocate(b1).is_success());
  CHECK(scene.allocate(b2).error() == 508);
  CHECK(scene.request(a1, stun::Method::refresh, Client::lifetime(0)).is_success());
  CHECK(scene.allocate(b2).is_success());
}

TEST_CASE("rule 9: every failed path gives the quota and the port back") {
  Options options;
  options.allocations = 1;
  options.ports = {.first = 50000, .last = 50001};
  Scene scene(options);
  Client alice("alice", "wonder");
  scene.challenge(alice);
  SECTION("a refused request") {
    CHECK(scene.request(alice, stun::Method::allocate).error() == 400);
  }
  SECTION("ports that others hold") {
    scene.refuse_port = [](const auto&) { return true; };
    CHECK(scene.allocate(alice).error() == 508);
    CHECK(scene.refused.size() == 2);
    CHECK(scene.server.relay_count() == 0);
    scene.refuse_port = [](const auto&) { return false; };
  }
  SECTION("an allocation that ended") {
    REQUIRE(scene.allocate(alice).is_success());
    REQUIRE(scene.request(alice, stun::Method::refresh, Client::lifetime(0)).is_success());
  }
  SECTION("an unknown reservation") {
    CHECK(
        scene.allocate(alice, [](auto& m) { m.add_text(Attribute::reservation_token, "12345678"); })
            .error() == 508);
  }
  SECTION("a client that left while its socket was being opened") {
    const auto request = alice.request(stun::Method::allocate, Client::udp());
    (void)scene.server.from_client(alice.five_tuple, alice.tag, request, scene.now);
    scene.server.client_gone(alice.five_tuple, scene.now);
    scene.pass(seconds(0));
    CHECK(scene.closed.size() == 1);
  }
  CHECK(scene.quota.taken() == 0);
  scene.pass(seconds(60));
  CHECK(scene.allocate(alice).is_success());
}

TEST_CASE("a port that somebody else holds is passed over for the next one, so often") {
  Scene scene;
  Client alice("alice", "wonder");
  SECTION("until one is free") {
    int left = turnd::Server::kMaxOpenAttempts;
    scene.refuse_port = [&](const auto&) { return left-- > 0; };
    CHECK(scene.allocate(alice).is_success());
    CHECK(scene.server.relay_count() == 1);
  }
  SECTION("and no more") {
    int left = turnd::Server::kMaxOpenAttempts + 1;
    scene.refuse_port = [&](const auto&) { return left-- > 0; };
    CHECK(scene.allocate(alice).error() == 508);
    CHECK(scene.server.relay_count() == 0);
    CHECK(scene.server.allocation_count() == 0);
  }
}

TEST_CASE("rule 10: external addresses are told per address and family") {
  Options options;
  options.relay_addresses = {relay_address("10.0.0.5", "203.0.113.5"),
                             relay_address("10.0.0.6", "203.0.113.6"),
                             relay_address("fd00::5", "2001:db8::5")};
  Scene scene(options);
  std::set<std::string> told;
  for (int i = 0; i < 4; ++i) {
    Client alice("alice", "wonder", ("192.0.2.7:" + std::to_string(40000 + i)).c_str());
    const auto answer = scene.allocate(alice);
    const auto relayed = *answer.answer->address(Attribute::xor_relayed_address);
    const auto bound = scene.opened.back().address;
    CHECK(relayed.port() == bound.port());
    CHECK(relayed.ip().to_string() ==
          (bound.ip().to_string() == "10.0.0.5" ? "203.0.113.5" : "203.0.113.6"));
    told.insert(relayed.ip().to_string());
  }
  CHECK(told.size() == 2); // several addresses are used in turn
  Client bob("bob", "builder", "192.0.2.8:40000");
  const auto six = scene.allocate(bob, Client::family(Attribute::requested_address_family, kIpv6));
  CHECK(six.answer->address(Attribute::xor_relayed_address)->ip().to_string() == "2001:db8::5");
}

TEST_CASE("while draining nothing new is allocated, and what is there lives on") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  scene.server.begin_drain();
  Client bob("bob", "builder", "192.0.2.8:40000");
  CHECK(scene.allocate(bob).error() == 508);
  CHECK(scene.request(alice, stun::Method::refresh, Client::lifetime(600)).is_success());
}

} // namespace
