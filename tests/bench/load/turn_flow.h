// One client's allocation at a TURN server, made with blocking calls before anything is measured: the socket, the channel to
// the peer, and where the peer sends to. Or the same at the do-nothing relay, which is asked in one datagram.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "libcore/event/fd.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "tests/bench/load/process.h"

namespace bench {

inline constexpr std::uint16_t kChannel = 0x4000;
inline constexpr std::uint8_t kAskFloor =
    'F'; // the do-nothing relay: asks for a flow to a peer, 4 + 2 bytes
inline constexpr int kPatienceSeconds = 10;

enum class Carrier : std::uint8_t { udp, tcp, tls, floor };

struct Account {
  std::string user = "pexip";
  std::string password = "relay-me";
};

class TurnFlow {
 public:
  // From an address of its own on the loopback net, so that no limit for each address is met.
  TurnFlow(Carrier carrier, const core::SocketAddress& server, unsigned number, SSL_CTX* tls);

  void allocate(const Account& account); // 401 and Allocate; leaves relay()
  void bind_channel(const core::SocketAddress& peer);
  void ask_floor(const core::SocketAddress& peer);

  int fd() const { return fd_.get(); }
  const core::SocketAddress& relay() const { return relay_; }
  void stop_blocking() const;
  // One whole frame of TURN, and on a stream all of it: false when there is no room now.
  bool send(core::Bytes frame);
  // What has come, as it lies on the wire; 0 when nothing has.
  std::size_t receive(core::MutableBytes room);

 private:
  core::Bytes ask(core::Bytes request); // until the answer to it comes
  stun::TransactionId next_transaction();
  core::Bytes make(stun::Method method, const core::SocketAddress* peer);

  event::Fd fd_;
  bssl::UniquePtr<SSL> ssl_;
  core::SocketAddress relay_;
  std::uint64_t transactions_ = 0;
  std::string user_, realm_, nonce_;
  stun::Key key_;
  std::vector<std::uint8_t> request_, answer_;
  std::size_t unsent_ = 0; // of the frame that a stream took a part of
  std::size_t answered_ = 0;
};

} // namespace bench
