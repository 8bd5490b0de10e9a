// Which listeners there are: opened when the daemon starts, and compared with what is configured by each
// reload. A listener is known by its transport and the address in the file; over TCP it may become one
// with TLS, or without, on the same sockets.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/event/announce.h"
#include "libcore/log/log.h"
#include "turnd/shell/listener.h"

namespace turnd {

class Listeners {
 public:
  // `log` must outlive it. All calls but bound() and certificates() come from one thread.
  Listeners(unsigned workers, logging::Logger& log) : workers_(workers), log_(log) {}

  // Of a process that is taken over from, before the first prepare(): they are used in place of new ones.
  struct Inherited {
    Settings::Transport transport = Settings::Transport::udp;
    core::SocketAddress configured;
    LinkNumber link{};
    event::Fd socket;
  };
  void inherit(std::vector<Inherited> sockets) { inherited_ = std::move(sockets); }
  // Which worker got which of those.
  const std::map<LinkNumber, std::size_t>& dealt() const { return dealt_; }

  struct Next {
    struct Socket {
      event::Fd fd; // empty: it is open already
      std::optional<LinkNumber> link{};
    };
    std::vector<std::shared_ptr<const Listener>> listeners;
    std::vector<std::vector<Socket>> sockets; // [worker][listener]
    struct Further {
      unsigned worker = 0;
      std::size_t listener = 0;
      Socket socket;
    };
    std::vector<Further> further; // where a worker has several of one
  };
  // Opens what isn't open and loads certificates; the listeners that there are don't notice. Where this
  // succeeds change_to() must follow.
  core::Result<Next> prepare(const std::vector<Settings::Listener>& wanted);
  // What each worker has from now on.
  std::vector<std::vector<ListenerSocket>> change_to(Next next);

  const std::vector<std::shared_ptr<const Listener>>& in_service() const { return in_service_; }
  std::vector<event::BoundListener> bound() const; // from any thread
  // Of those in service, each file once. From any thread.
  std::vector<tls::CertificateFacts> certificates() const;
  // Those of departing ones, too.
  std::vector<core::SocketAddress> addresses() const;

 private:
  using Shared = std::shared_ptr<const Listener>;
  // What each is already; nullptr: nothing.
  std::vector<Shared> find_formers(const std::vector<Settings::Listener>& wanted) const;
  core::Result<void> open(Listener& listener, Next& next);
  std::vector<Next::Socket> inherited_for(const Settings::Listener& listener);
  core::Result<void> check_against_others(const Settings::Listener& wanted) const;
  core::Result<std::shared_ptr<const tls::ServerContext>> tls_of(const Settings::Listener& wanted,
                                                                 const Listener* former) const;

  mutable std::mutex mutex_; // over changes of in_service_
  unsigned workers_;
  logging::Logger& log_;
  std::vector<Shared> in_service_;
  std::vector<Shared> departing_; // for datagrams
  std::uint64_t last_id_ = 0;
  std::vector<Inherited> inherited_;
  std::map<LinkNumber, std::size_t> dealt_;
};

std::string_view name_of(Settings::Transport transport);

} // namespace turnd
