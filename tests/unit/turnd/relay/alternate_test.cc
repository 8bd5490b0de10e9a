// ALTERNATE-SERVER (RFC 8489 section 10).
#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using stun::Attribute;
using When = turnd::AlternateServers::When;

Options with(When when) {
  Options options;
  options.alternate = {.servers = {address_of("192.0.2.1:3478"), address_of("[2001:db8::1]:3479"),
                                   address_of("192.0.2.2:3480")},
                       .domain = "turn.example.com",
                       .when = when};
  return options;
}

// MAPPED-ADDRESS's form: not XORed.
const Buffer kFirst{0, 1, 0x0d, 0x96, 192, 0, 2, 1};
const Buffer kSecond{0, 1, 0x0d, 0x98, 192, 0, 2, 2};

TEST_CASE("rule 10: 300 carries an ALTERNATE-SERVER of the client's family, each in turn, signed") {
  Scene scene(with(When::always));
  Client alice("alice", "wonder");
  for (const Buffer& expected : {kFirst, kSecond, kFirst}) {
    const auto result = scene.allocate(alice);
    CHECK(result.error() == 300);
    CHECK(result.answer->all(Attribute::alternate_server) == std::vector<Buffer>{expected});
    CHECK_FALSE(result.answer->has(Attribute::alternate_domain));
    CHECK(stun::has_valid_integrity(result.answer->message(), alice.key().bytes()));
  }
  Client bob("bob", "builder", "[2001:db8::7]:1");
  CHECK(scene.allocate(bob).answer->all(Attribute::alternate_server)[0][1] == 2);
  CHECK(scene.server.allocation_count() == 0);
}

TEST_CASE("who hasn't authenticated is sent nowhere") {
  Scene scene(with(When::always));
  Client alice("alice", "wonder");
  CHECK(scene.feed(alice, alice.unsigned_request(stun::Method::allocate, Client::udp())).error() ==
        401);
  CHECK(scene.feed(alice, alice.unsigned_request(stun::Method::binding)).is_success());
}

TEST_CASE("over TLS the name of the certificate is told too (RFC 8489 14.16)") {
  Scene scene(with(When::always));
  Client alice("alice", "wonder");
  alice.five_tuple.transport = turnd::Transport::tls;
  const auto result = scene.allocate(alice);
  CHECK(result.error() == 300);
  CHECK(result.answer->text(Attribute::alternate_domain) == "turn.example.com");
}

TEST_CASE("rule 10: a full server sends elsewhere, a full user not") {
  Options options = with(When::full);
  options.allocations = 2;
  options.allocations_per_user = 1;
  Scene scene(options);
  Client a1("alice", "wonder", "192.0.2.7:1");
  Client a2("alice", "wonder", "192.0.2.7:2");
  Client b1("bob", "builder", "192.0.2.7:3");
  Client b2("bob", "builder", "192.0.2.7:4");
  REQUIRE(scene.allocate(a1).is_success());
  CHECK(scene.allocate(a2).error() == 486);
  REQUIRE(scene.allocate(b1).is_success());
  CHECK(scene.allocate(b2).error() == 300);
  CHECK(scene.server.counters().refusals.of(static_cast<stun::ErrorCode>(300)) == 1);
}

TEST_CASE("rule 10: without a free port a client is sent elsewhere") {
  Options options = with(When::full);
  options.ports = {.first = 50000, .last = 50000};
  Scene scene(options);
  Client a1("alice", "wonder", "192.0.2.7:1");
  Client a2("alice", "wonder", "192.0.2.7:2");
  REQUIRE(scene.allocate(a1).is_success());
  CHECK(scene.allocate(a2).error() == 300);
  CHECK(scene.server.allocation_count() == 1);
}

TEST_CASE("a draining server sends elsewhere, and says 508 where it knows of no server") {
  for (const auto& [options, code] :
       {std::pair(with(When::draining), 300), std::pair(with(When::full), 300),
        std::pair(Options{}, 508)}) {
    Scene scene(options);
    Client alice("alice", "wonder");
    REQUIRE(scene.allocate(alice).is_success());
    scene.server.begin_drain();
    Client late("alice", "wonder", "192.0.2.7:2");
    CHECK(scene.allocate(late).error() == code);
    CHECK(scene.request(alice, stun::Method::refresh, Client::lifetime(600)).is_success());
  }
  Options full = with(When::draining);
  full.allocations = 0;
  Scene scene(full);
  Client alice("alice", "wonder");
  CHECK(scene.allocate(alice).error() == 508);
}

TEST_CASE("an allocation that is there is answered for, whatever has come since") {
  Scene scene(with(When::full));
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  scene.server.begin_drain();
  CHECK(scene
            .feed(alice, alice.again(stun::Method::allocate, stun::Class::request, Client::udp(),
                                     Client::kSigned))
            .is_success());
}

} // namespace
