// Servers of several workers with what they share, and the posts between them in a test's hands.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "tests/support/turn/scene.h"

namespace turn_test {

class SeveralWorkers {
 public:
  explicit SeveralWorkers(unsigned count, Options options = {})
      : quota({.in_all = options.allocations,
               .per_user = options.allocations_per_user,
               .bandwidth_per_user = options.bandwidth_per_user}),
        reservations(count) {
    options.workers = count;
    options.quota = &quota;
    options.reservations = &reservations;
    options.mobile_allocations = &mobile_allocations;
    options.peer_connections = &peer_connections;
    for (auto& each : options.relay_addresses) {
      each.in_use = std::make_shared<turnd::PortsInUse>();
    }
    for (unsigned i = 0; i < count; ++i) {
      options.worker = i;
      workers_.push_back(std::make_unique<Scene>(options));
    }
  }

  turnd::QuotaTable quota;
  turnd::ReservationTable reservations;
  turnd::MobileAllocationTable mobile_allocations;
  turnd::PeerConnectionTable peer_connections;

  Scene& operator[](std::size_t worker) { return *workers_[worker]; }
  std::size_t size() const { return workers_.size(); }

  // What a worker has for another one is on its way until it is delivered.
  // One value, to whom it is for, and at once what that one says to it. False: none is left.
  // `answers`: what the asker sent to its client because of it.
  bool deliver_one() {
    for (auto& from : workers_) {
      if (from->to_others.empty()) continue;
      turnd::Command command = std::move(from->to_others.front());
      from->to_others.erase(from->to_others.begin());
      if (auto* question = std::get_if<turnd::MobilityQuestion>(&command)) {
        Scene& owner = *workers_[question->owner];
        Scene& asker = *workers_[question->arrival.worker];
        auto reply = owner.server.mobility_asked(std::move(*question), owner.now);
        owner.settle_commands();
        answers.push_back(
            asker.settle_now(asker.server.mobility_answered(std::move(reply), asker.now)));
      } else if (const auto* wanted = std::get_if<turnd::AllocationWanted>(&command)) {
        Scene& taker = *workers_[wanted->arrival.worker];
        auto moving = workers_[wanted->owner]->server.hand_over(*wanted);
        taker.server.adopt(moving, taker.now);
        moved.push_back(moving.relays);
        taker.settle_commands();
      }
      return true;
    }
    return false;
  }
  void deliver() {
    while (deliver_one()) {
    }
  }
  void pass(core::Duration time) {
    for (auto& worker : workers_) worker->pass(time);
  }

  std::vector<Scene::Result> answers;
  std::vector<std::array<std::optional<turnd::MovingAllocation::Relay>, 2>> moved;

 private:
  std::vector<std::unique_ptr<Scene>> workers_;
};

} // namespace turn_test
