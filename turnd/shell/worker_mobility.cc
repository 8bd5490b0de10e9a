// A worker's part in what turnd/relay/mobility.h describes: values go to the other's thread, sockets
// along with them.
#include <utility>

#include "turnd/shell/worker.h"

namespace turnd {

void Worker::ask(MobilityQuestion question) {
  const unsigned owner = question.owner;
  service_.fellows().post(owner, [question = std::move(question)](Worker& there) mutable {
    there.asked(std::move(question));
  });
}

void Worker::asked(MobilityQuestion question) {
  const unsigned asker = question.arrival.worker;
  MobilityReply reply = server_.mobility_asked(std::move(question), loop_.now());
  carry_out_commands();
  loop_.run_at_end(end_task_);
  service_.fellows().post(asker, [reply = std::move(reply)](Worker& there) mutable {
    there.answered(std::move(reply));
  });
}

void Worker::answered(MobilityReply reply) {
  carry_out(server_.mobility_answered(std::move(reply), loop_.now()));
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

void Worker::want(const AllocationWanted& wanted) {
  service_.fellows().post(wanted.owner, [wanted](Worker& there) { there.give(wanted); });
}

void Worker::give(const AllocationWanted& wanted) {
  to_peers_.flush(); // it refers to sockets that may be about to go
  count_offloaded();
  MovingAllocation moving = server_.hand_over(wanted);
  carry_out_commands(); // its bindings have ended here before they begin there
  std::array<event::Fd, 2> sockets;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const auto& relay = moving.relays[i];
    if (relay) sockets[i] = relay_sockets_.release(relay->id);
  }
  loop_.run_at_end(end_task_);
  service_.fellows().post(
      wanted.arrival.worker,
      [moving = std::move(moving), sockets = std::move(sockets)](Worker& there) mutable {
        there.adopt(std::move(moving), std::move(sockets));
      });
}

void Worker::adopt(MovingAllocation moving, std::array<event::Fd, 2> sockets) {
  server_.adopt(moving, loop_.now());
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const auto& relay = moving.relays[i];
    if (sockets[i] && relay) relay_sockets_.adopt(relay->id, std::move(sockets[i]));
  }
  carry_out_commands();
  loop_.run_at_end(end_task_);
}

} // namespace turnd
