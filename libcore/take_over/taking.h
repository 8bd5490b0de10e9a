// The new process' side of a take-over; see giving.h for the steps. It blocks: before a daemon's workers
// run, there is nothing else to do.
//
//   auto taking = Taking::begin(socket, "rproxyd");   // a daemon runs there, and offers what it has
//   taking->offer(adopt);                             // portion by portion
//   … all that can fail is done: workers made, tables filled …
//   taking->remainder(adopt);                         // "ready"; then the rest
//   taking->serve();                                  // from here on it is ours
//
// Destroyed before serve() has succeeded, it leaves the old process serving, with the reason that
// refuse() gave.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libcore/take_over/channel.h"

namespace take_over {

class Taking {
 public:
  // Called for each portion; its descriptors are the callee's to take. A failure ends the take-over.
  using Adopt = std::function<core::Result<void>(Message& portion)>;

  static core::Result<Taking> begin(const std::string& admin_socket, std::string_view program);
  Taking(Taking&&) noexcept = default;
  Taking& operator=(Taking&&) noexcept = default;
  ~Taking();

  core::Result<void> offer(const Adopt& adopt);
  core::Result<void> remainder(const Adopt& adopt);
  // Success also if the old process has died after it had given everything: nobody else serves then.
  core::Result<void> serve();
  void refuse(std::string_view why);

  // Why a step failed: the old process is no more. What it had given is then here and nowhere else: a
  // daemon that can serve with that does.
  bool predecessor_died() const { return died_; }
  pid_t predecessor() const { return predecessor_; }

  // After serve(): for notes; null if the old process is no more.
  std::shared_ptr<Channel> notes() const { return channel_; }

 private:
  Taking(std::shared_ptr<Channel> channel, pid_t predecessor)
      : channel_(std::move(channel)), predecessor_(predecessor) {}
  core::Result<void> portions(Kind last, const Adopt& adopt);
  std::unexpected<core::Error> silenced(core::Error failure);
  std::unexpected<core::Error> kept(const Message& message);

  std::shared_ptr<Channel> channel_;
  pid_t predecessor_ = 0;
  bool refused_ = false; // by us
  bool died_ = false;
  bool serves_ = false;
};

} // namespace take_over
