// What a starting turnd has from the one that it takes over from: its keys and listeners' sockets first,
// then, once the workers are made and before they run, what clients have.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "libcore/log/log.h"
#include "libcore/take_over/taking.h"
#include "turnd/relay/take_over.h"
#include "turnd/settings/settings.h"
#include "turnd/shell/listeners.h"
#include "turnd/shell/offload.h"
#include "turnd/shell/service.h"
#include "turnd/shell/worker.h"

namespace turnd {

class TakenOver {
 public:
  // Asks the turnd that runs with the same admin.socket. Everything that it listens on must be in
  // `settings`, which must outlive this: its clients are there.
  // `offload` gets what is relayed in the kernel.
  static core::Result<TakenOver> begin(const Settings& settings, Offload& offload);

  Service::Keys keys() const {
    return {.nonces = offered_.nonce_key, .tickets = offered_.ticket_key};
  }
  std::vector<Listeners::Inherited> take_listeners();
  // The socket of the admin address; empty where there is none, or not for this address.
  event::Fd take_admin(const std::optional<core::SocketAddress>& configured);

  // `dealt`: to which worker each of those went, by link. The old process stops reading,
  // and from a successful return on it is for the workers to serve.
  core::Result<void> finish(const std::vector<std::unique_ptr<Worker>>& workers,
                            const std::map<LinkNumber, std::size_t>& dealt, Offload& offload,
                            logging::Logger& log);
  // For Channel's notes, and the admin socket's change of hands.
  take_over::Taking& taking() { return taking_; }

 private:
  struct Portion {
    TakeOverState state;
    std::vector<event::Fd> sockets;
  };
  explicit TakenOver(const Settings& settings, take_over::Taking taking)
      : settings_(&settings), taking_(std::move(taking)) {}
  static core::Result<Portion> read(take_over::Message& message);
  core::Result<void> check_offer() const;
  core::Result<void> give_to(const std::vector<std::unique_ptr<Worker>>& workers,
                             const std::map<LinkNumber, std::size_t>& dealt, Portion portion);

  const Settings* settings_;
  take_over::Taking taking_;
  TakeOverState offered_;
  std::vector<event::Fd> sockets_; // of its links
  event::Fd admin_;
};

} // namespace turnd
