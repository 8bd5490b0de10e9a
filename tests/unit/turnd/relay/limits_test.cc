// What each limit holds back, and what the operator is told of it.
#include <catch2/catch_test_macros.hpp>

#include "libcore/stun/time_limited.h"
#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using turnd::DropReason;
using turnd::Limit;

constexpr const char* kPeer = "203.0.113.9:5000";

std::vector<std::string> told(Scene& scene) {
  std::vector<std::string> lines;
  for (const auto& hit : scene.server.limits_hit().take()) {
    lines.push_back(std::string(turnd::name_of(hit.limit)) + " " + hit.subject + " " +
                    std::to_string(hit.count));
  }
  return lines;
}
using Lines = std::vector<std::string>;

std::uint64_t total(const Scene& scene, Limit limit) {
  return scene.server.counters().limits[static_cast<std::size_t>(limit)];
}

TEST_CASE("the quotas: refused, counted, and told by user") {
  Options options;
  options.allocations = 2;
  options.allocations_per_user = 1;
  Scene scene(options);
  Client a1("alice", "wonder", "192.0.2.7:1");
  Client a2("alice", "wonder", "192.0.2.7:2");
  Client b1("bob", "builder", "192.0.2.8:1");
  Client b2("bob", "builder", "192.0.2.8:2");
  REQUIRE(scene.allocate(a1).is_success());
  CHECK(scene.allocate(a2).error() == 486);
  CHECK(scene.allocate(a2).error() == 486);
  REQUIRE(scene.allocate(b1).is_success());
  CHECK(scene.allocate(b2).error() == 508);
  CHECK(told(scene) == Lines{"allocations_per_user alice 2", "allocations  1"});
  CHECK(told(scene).empty());
  CHECK(total(scene, Limit::allocations_per_user) == 2);
  const auto refusals = scene.server.counters().refusals;
  CHECK(refusals.of(static_cast<stun::ErrorCode>(486)) == 2);
  CHECK(refusals.of(static_cast<stun::ErrorCode>(508)) == 1);
  CHECK(refusals.of(static_cast<stun::ErrorCode>(401)) == 4);
  CHECK(refusals.of(static_cast<stun::ErrorCode>(400)) == 0);
}

TEST_CASE("a time-limited credential counts as the user behind its colon") {
  Options options;
  options.allocations_per_user = 1;
  options.shared_secrets = {"north"};
  Scene scene(options);
  const auto minted = [&](const char* name, const char* address) {
    return Client(name,
                  std::string(stun::time_limited_password(core::Secret("north"), name).reveal()),
                  address);
  };
  Client one = minted("1800000600:dave", "192.0.2.7:1");
  Client two = minted("1800000700:dave", "192.0.2.7:2");
  REQUIRE(scene.allocate(one).is_success());
  CHECK(scene.allocate(two).error() == 486);
  CHECK(told(scene) == Lines{"allocations_per_user dave 1"});
}

TEST_CASE("when no port is left: 508, and told") {
  Options options;
  options.ports = {.first = 50000, .last = 50000};
  Scene scene(options);
  Client a1("alice", "wonder", "192.0.2.7:1");
  Client a2("alice", "wonder", "192.0.2.7:2");
  REQUIRE(scene.allocate(a1).is_success());
  CHECK(scene.allocate(a2).error() == 508);
  CHECK(told(scene) == Lines{"relay_ports  1"});
}

TEST_CASE("permissions and channels of an allocation: refused at the limit, refreshes are not") {
  Options options;
  options.limits.permissions_per_allocation = 2;
  options.limits.channels_per_allocation = 1;
  Scene scene(options);
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(scene.request(alice, stun::Method::channel_bind, Client::channel(0x4001, kPeer))
              .is_success());
  CHECK(
      scene.request(alice, stun::Method::channel_bind, Client::channel(0x4002, "203.0.113.9:5001"))
          .error() == 508);
  REQUIRE(scene.request(alice, stun::Method::create_permission, Client::peers({"203.0.113.10:1"}))
              .is_success());
  CHECK(scene.request(alice, stun::Method::create_permission, Client::peers({"203.0.113.11:1"}))
            .error() == 508);
  CHECK(scene.request(alice, stun::Method::channel_bind, Client::channel(0x4001, kPeer))
            .is_success());
  CHECK(told(scene) ==
        Lines{"channels_per_allocation alice 1", "permissions_per_allocation alice 1"});
}

TEST_CASE("bandwidth of an allocation: dropped, counted, and one entry whatever the number") {
  Options options;
  options.limits.bandwidth_per_allocation = 1000;
  Scene scene(options);
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  REQUIRE(scene.request(alice, stun::Method::channel_bind, Client::channel(0x4001, kPeer))
              .is_success());
  for (int i = 0; i < 12; ++i) {
    (void)scene.feed(alice, Client::channel_data(0x4001, std::string(100, 'x')));
  }
  CHECK(told(scene) == Lines{"bandwidth_per_allocation alice 2"});
  CHECK(total(scene, Limit::bandwidth) == 2);
}

TEST_CASE("bandwidth of a user: its allocations share it, others have their own") {
  Options options;
  options.bandwidth_per_user = 1000;
  Scene scene(options);
  Client a1("alice", "wonder", "192.0.2.7:1");
  Client a2("alice", "wonder", "192.0.2.7:2");
  Client bob("bob", "builder", "192.0.2.8:1");
  for (Client* client : {&a1, &a2, &bob}) {
    REQUIRE(scene.allocate(*client).is_success());
    REQUIRE(scene.request(*client, stun::Method::channel_bind, Client::channel(0x4001, kPeer))
                .is_success());
  }
  const std::string most(900, 'x');
  CHECK(scene.feed(a1, Client::channel_data(0x4001, most)).to_peer);
  CHECK(scene.feed(a2, Client::channel_data(0x4001, most)).dropped == DropReason::bandwidth);
  CHECK(scene.feed(bob, Client::channel_data(0x4001, most)).to_peer);
  CHECK(told(scene) == Lines{"bandwidth_per_user alice 1"});
  scene.pass(std::chrono::milliseconds(900));
  CHECK(scene.feed(a2, Client::channel_data(0x4001, most)).to_peer);
}

TEST_CASE("rule 35: a limited source is told by its address, a flood by one of them") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 1, .burst = 1};
  Scene scene(options);
  for (int i = 1; i <= 50; ++i) {
    Client each("alice", "wonder", ("192.0.2." + std::to_string(i) + ":1").c_str());
    CHECK(scene.feed(each, each.unsigned_request(stun::Method::binding)).is_success());
    CHECK(scene.feed(each, each.unsigned_request(stun::Method::binding)).dropped ==
          DropReason::limited);
  }
  CHECK(told(scene) == Lines{"unauthenticated_answers_per_source 192.0.2.1 50"});
}

TEST_CASE("without a limit nobody is held up") {
  Options options;
  options.limits.unauthenticated_answers = {.per_second = 0, .burst = 0};
  Scene scene(options);
  Client alice("alice", "wonder");
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(scene.feed(alice, alice.unsigned_request(stun::Method::binding)).is_success());
  }
}

TEST_CASE("however many subjects there are, the table stays small") {
  turnd::LimitsHit hits;
  for (int i = 0; i < 1000; ++i) hits.note(Limit::allocations_per_user, std::to_string(i));
  hits.note(Limit::channels, "alice");
  const auto taken = hits.take();
  CHECK(taken.size() == turnd::LimitsHit::kMaxSubjects + 2);
  CHECK(taken[turnd::LimitsHit::kMaxSubjects].subject.empty());
  CHECK(taken[turnd::LimitsHit::kMaxSubjects].count == 1000 - turnd::LimitsHit::kMaxSubjects);
  CHECK(hits.totals()[static_cast<std::size_t>(Limit::allocations_per_user)] == 1000);
}

} // namespace
