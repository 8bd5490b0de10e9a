// The TCP side of a worker's relayed transport addresses (RFC 6062): sockets that listen there, and
// those that are connecting from there.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "libcore/event/acceptor.h"
#include "libcore/event/loop.h"
#include "turnd/relay/decision.h"

namespace turnd {

class Worker;

class PeerSockets {
 public:
  explicit PeerSockets(Worker& worker);
  ~PeerSockets();
  PeerSockets(const PeerSockets&) = delete;
  PeerSockets& operator=(const PeerSockets&) = delete;

  bool listen(const OpenRelay& command); // false: the address can't be had
  void close(RelayId id);
  bool connect(const ConnectPeer& command); // false: it failed at once
  void abandon(ConnectionNumber number);

 private:
  class Listener;
  class Connecting;

  Worker& worker_;
  std::vector<std::unique_ptr<Listener>> listeners_; // by RelayId::index
  std::unordered_map<ConnectionNumber, std::unique_ptr<Connecting>> connecting_;
};

} // namespace turnd
