// What a new rproxyd has from the one that it takes over from: listening sockets, with the connections
// that wait in them, and what that one knows (given_state.h).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/secret.h"
#include "libcore/event/fd.h"
#include "libcore/take_over/taking.h"
#include "rproxyd/shell/given_state.h"
#include "rproxyd/shell/service.h"

namespace rproxyd {

// Of the messages: those of another one can't be understood.
inline constexpr int kStateVersion = 1;

class Inheritance {
 public:
  // Takes what the daemon at the admin socket offers. Fails, with the reason, if there is none, and
  // then nothing has changed there.
  static core::Result<Inheritance> begin(const std::optional<std::string>& admin_socket);
  Inheritance(Inheritance&&) = default;
  Inheritance& operator=(Inheritance&&) = delete;
  ~Inheritance(); // ends listen()

  // What a service has to have before its first generation is made.
  void prepare(Service& service) const;
  // The sockets of the listener that was configured with this address, or is bound to it. Each is
  // given once.
  std::vector<event::Fd> take_listener(const core::SocketAddress& address);
  event::Fd take_admin(const core::SocketAddress& address); // empty: there was none

  // The new process can't go on: the old one is told why, and serves on.
  void refuse(std::string_view why) { taking_.refuse(why); }
  // All that can fail has been done, and the service has its generation: it gets the rest, what is
  // known. After that nobody else accepts connections.
  core::Result<void> complete(Service& service);

  // Takes what the old process notes, by a thread, until one of the two ends.
  void listen(Service& service);

 private:
  struct Listener {
    core::SocketAddress configured;
    core::SocketAddress bound;
    std::vector<event::Fd> sockets;
  };

  explicit Inheritance(take_over::Taking taking) : taking_(std::move(taking)) {}
  core::Result<void> adopt(take_over::Message& portion);
  bool adopt_listener(take_over::Message& portion, std::vector<Listener>& to) const;
  static std::vector<event::Fd> take(std::vector<Listener>& from,
                                     const core::SocketAddress& address);
  void hear(Service& service) const;

  take_over::Taking taking_;
  bool understood_ = false; // its version is ours
  std::vector<Listener> listeners_;
  std::vector<Listener> admin_;
  std::map<std::string, std::string> key_salts_;
  core::Secret ticket_keys_;
  GivenState state_;
  std::thread thread_;
};

} // namespace rproxyd
