// What rproxyd does when another rproxyd takes over from it (libcore/take_over/giving.h).
//
//   offer      its listening sockets, of the workers and of the admin address, and the keys of TLS tickets
//   hand_over  nothing is accepted; then the guard's counts and bans, what is known of nodes, and which
//              client is at home at which
//   given      listeners are closed here: the other process has the same sockets. Clients go, each with
//              the end of its exchange. Attempts that end here, and homes that are chosen, are noted there
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "libcore/admin/interface.h"
#include "libcore/program/supervisor.h"
#include "libcore/take_over/giving.h"
#include "rproxyd/shell/service.h"
#include "rproxyd/shell/successor.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {

class HandOver final : public take_over::Giver {
 public:
  // How long the workers may take to do a step.
  static constexpr std::chrono::seconds kPatience{5};

  // All are borrowed.
  HandOver(Service& service, std::vector<Worker*> workers, program::Supervisor& supervisor);
  void set_admin(admin::Interface* admin) { // null: it is about to go
    const std::lock_guard lock(admin_mutex_);
    admin_ = admin;
  }

  core::Result<void> offer(take_over::Portions& to) override;
  core::Result<void> hand_over(take_over::Portions& to) override;
  void resume() override;
  void given(std::shared_ptr<take_over::Channel> notes) override;

 private:
  // On every worker's thread; false: one has not done it in time.
  bool on_workers(const std::function<void(Worker&)>& work);
  void stop_observing();

  Service& service_;
  const std::vector<Worker*> workers_;
  program::Supervisor& supervisor_;
  std::mutex admin_mutex_; // held while it is used
  admin::Interface* admin_ = nullptr;
  std::shared_ptr<const Generation> offered_; // what was in force then
  Successor successor_;
};

} // namespace rproxyd
