// What a running turnd gives to the process that takes over (libcore/take_over/giving.h has the steps):
//
//   offer       keys, and the listeners' sockets, while it serves on
//   hand_over   all of a TakeOverState, for which every worker has stopped reading
//
// A portion is {"admin": true} with the socket of the admin address, or {"turnd": size}; its first descriptor is a file in memory with so many bytes, a
// TakeOverState as turnd/relay/take_over_format.h writes it, and behind it come the state's own.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "libcore/admin/interface.h"
#include "libcore/program/supervisor.h"
#include "libcore/take_over/giving.h"
#include "turnd/relay/take_over.h"
#include "turnd/shell/leaving.h"
#include "turnd/shell/offload.h"
#include "turnd/shell/service.h"

namespace turnd {

class Worker;

class TakeOverGiver final : public take_over::Giver {
 public:
  // A worker that has not answered in this time is not waited for: there is no take-over.
  static constexpr core::Duration kWorkerAnswers = std::chrono::seconds(2);
  // A mobile client's allocation has arrived wherever it is going after so many rounds of all workers'
  // loops, or it hangs.
  static constexpr int kMaxRounds = 32;

  // Borrows them all.
  TakeOverGiver(Service& service, Offload& offload, std::vector<Worker*> workers,
                program::Supervisor& supervisor)
      : service_(service),
        offload_(offload),
        workers_(std::move(workers)),
        supervisor_(supervisor) {}

  // The admin address goes along; nullptr before the interface goes.
  void set_admin(admin::Interface* admin);

  core::Result<void> offer(take_over::Portions& to) override;
  core::Result<void> hand_over(take_over::Portions& to) override;
  void resume() override;
  void given(std::shared_ptr<take_over::Channel> notes) override;

 private:
  // Has all workers do it at once, and waits; false: one of them took too long.
  template <typename Result>
  bool ask_all(std::vector<Result>& results, Result (*ask)(Worker&));
  core::Result<void> wait_until_settled();
  core::Result<void> send(take_over::Portions& to, std::vector<Leaving> leaving);

  Service& service_;
  Offload& offload_;
  const std::vector<Worker*> workers_;
  program::Supervisor& supervisor_;
  core::TimePoint stopped_;     // reading
  std::size_t allocations_ = 0; // that were sent
  std::shared_ptr<take_over::Channel> notes_;
  std::mutex admin_mutex_;
  admin::Interface* admin_ = nullptr;
};

} // namespace turnd
