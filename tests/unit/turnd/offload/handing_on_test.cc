// What is in the kernel goes on from one process to the next.
#include <fcntl.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/turnd/offload/stage.h"

namespace {

using namespace offload_test; // NOLINT(google-build-using-namespace)
using Action = Outcome::Action;

const auto kLater = std::chrono::hours(1);

// As it arrives over the socket: descriptors of its own.
std::unique_ptr<turnd::KernelRelay> adopted_from(const turnd::KernelRelay& giver) {
  const auto handle = giver.handle();
  std::vector<event::Fd> copies;
  for (const int fd : handle.descriptors) {
    copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    REQUIRE(copies.back());
  }
  auto adopted = turnd::KernelRelay::adopt(giver, handle.side, std::move(copies));
  REQUIRE(adopted);
  return *std::move(adopted);
}

Outcome send(const Stage& stage, const Stage::Call& call) {
  return stage.run(Side::outside,
                   bytes_of(Stage::from_client(call, channel_data(0x4001, "hello"))));
}

turnd::OffloadCounts packets_up(std::uint64_t packets) {
  return {.to_peer = {.packets = packets, .bytes = 5 * packets}, .to_client = {}};
}

TEST_CASE("a process that takes over goes on with the bindings, and every packet counts once") {
  Stage stage;
  const auto& call = stage.call("192.0.2.7:40000", "203.0.113.9:5000");
  send(stage, call);
  send(stage, call);
  CHECK(stage.kernel->take_counts(0).to_peer == packets_up(2).to_peer); // told by the old one
  send(stage, call);

  const auto next = adopted_from(*stage.kernel);
  CHECK(next->identity() == stage.kernel->identity());
  CHECK(send(stage, call).action == Action::redirected); // while nobody has it
  const auto before = next->add(7, call.binding, std::chrono::steady_clock::now() + kLater);
  REQUIRE(before);
  CHECK(before->to_peer == packets_up(2).to_peer);
  CHECK(send(stage, call).action == Action::redirected); // and no turn of the ordinary way between
  CHECK(next->counts(7).to_peer == packets_up(1).to_peer);

  CHECK(stage.kernel->remove(0, call.binding).to_peer.packets == 0);
  CHECK(send(stage, call).action == Action::redirected); // it was the new one's
  next->remove(7, call.binding);
  CHECK(send(stage, call).action == Action::pass);
}

TEST_CASE("a process that has not taken over after all leaves what there was") {
  Stage stage;
  const auto& call = stage.call("192.0.2.7:40000", "203.0.113.9:5000");
  const auto next = adopted_from(*stage.kernel);
  REQUIRE(next->add(0, call.binding, std::chrono::steady_clock::now() + kLater));
  send(stage, call);
  CHECK(stage.kernel->take_back(0, call.binding).to_peer == packets_up(1).to_peer);
  CHECK(send(stage, call).action == Action::redirected);
  CHECK(stage.kernel->counts(0).to_peer == packets_up(1).to_peer);
  CHECK(stage.kernel->take_back(0, call.binding).to_peer.packets == 0); // has it already
  stage.kernel->remove(0, call.binding);
  CHECK(send(stage, call).action == Action::pass);
}

TEST_CASE("what a process that took over hasn't made its own forwards nothing any more") {
  Stage stage;
  const auto& mine = stage.call("192.0.2.7:40000", "203.0.113.9:5000");
  const auto& lost = stage.call("192.0.2.8:40000", "203.0.113.9:5001");
  const auto next = adopted_from(*stage.kernel);
  REQUIRE(next->add(1, mine.binding, std::chrono::steady_clock::now() + kLater));
  CHECK(send(stage, lost).action == Action::redirected);
  next->end_others();
  CHECK(send(stage, lost).action == Action::pass);
  CHECK(send(stage, mine).action == Action::redirected);
}

TEST_CASE("what one process has, the third one adopts as well") {
  Stage stage;
  const auto& call = stage.call("[2001:db8:c::7]:40000", "203.0.113.9:5000");
  const auto expires = std::chrono::steady_clock::now() + kLater;
  const auto second = adopted_from(*stage.kernel);
  REQUIRE(second->add(3, call.binding, expires));
  stage.kernel->remove(0, call.binding);
  const auto third = adopted_from(*second);
  REQUIRE(third->add(3, call.binding, expires));
  second->remove(3, call.binding);
  CHECK(send(stage, call).action == Action::redirected);
  CHECK(third->counts(3).to_peer.packets == 1);
  CHECK_FALSE(turnd::KernelRelay::adopt(*third, 0, {})); // not what its interfaces need
}

} // namespace
