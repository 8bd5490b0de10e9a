// The way back to a client: a listener's socket, or a connection. What the relay carries around as
// a ClientTag is the address of one. That is safe, since a listener lives as long as its worker, and
// a connection tells the relay (Server::client_gone) before it goes.
#pragma once

#include <cstdint>

#include "turnd/relay/decision.h"

namespace turnd {

class ClientLink {
 public:
  virtual void send(const ToClient& message) = 0;

  ClientTag tag() { return static_cast<ClientTag>(reinterpret_cast<std::uintptr_t>(this)); }
  static ClientLink& of(ClientTag tag) {
    return *reinterpret_cast<ClientLink*>(static_cast<std::uintptr_t>(tag)); // NOLINT
  }

 protected:
  ~ClientLink() = default;
};

} // namespace turnd
