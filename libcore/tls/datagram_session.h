// One DTLS 1.2 connection of a server, fed by datagrams: sealed ones in, payloads out, and the other
// way round. Knows no socket; its timer is BoringSSL's own, which reads the clock.
//
// Calling contract
//   receive()                for every datagram of the client, first the hello that was accepted.
//   retransmit_in()          after receive() and retransmit(), while the handshake lasts: call
//                            retransmit() when that much time has passed.
//   write(), shut_down()     once handshake_done().
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "libcore/base/bytes.h"
#include "libcore/base/time.h"
#include "libcore/tls/hello_cookies.h"
#include "libcore/tls/server_context.h"
#include "libcore/tls/session.h"

namespace tls {

class DatagramSession {
 public:
  // Handshake messages are cut so that their datagrams are no longer.
  static constexpr unsigned kMtu = 1200;
  // What one record can carry (RFC 6347 section 4.1).
  static constexpr std::size_t kMaxPayload = 16384;

  class Sink {
   public:
    virtual void send_sealed(core::Bytes datagram) = 0; // borrowed during the call

   protected:
    ~Sink() = default;
  };

  // `context` was made for datagrams; `sink` must outlive the session. nullptr without memory, or
  // without dtls_is_served().
  static std::unique_ptr<DatagramSession> accept(std::shared_ptr<const ServerContext> context,
                                                 Sink& sink, const ClientHello& hello);
  ~DatagramSession();
  DatagramSession(const DatagramSession&) = delete;
  DatagramSession& operator=(const DatagramSession&) = delete;

  // The payloads of the datagram's records are written over it, one behind the other, and handed to
  // on_payload(core::MutableBytes) -> bool, false to stop. want_input: all is well.
  template <typename OnPayload>
  Status receive(core::MutableBytes datagram, OnPayload&& on_payload) {
    if (const Status status = begin(datagram); status != Status::ok) return status;
    std::size_t used = 0;
    for (;;) {
      const Read read = open(datagram.subspan(used));
      if (read.status != Status::ok) return read.status;
      if (!on_payload(datagram.subspan(used, read.size))) return Status::want_input;
      used += read.size;
    }
  }

  bool handshake_done() const { return handshake_done_; }
  // Whether the hello, again, is the one that this session began with.
  bool began_with(const ClientHello& hello) const;

  std::optional<core::Duration> retransmit_in() const;
  Status retransmit(); // want_input, or failed after the last attempt

  Status write(core::Bytes payload); // ok, or failed: too long, or the session is at its end
  void shut_down();                  // sends close_notify

  std::string_view alpn() const;
  std::string failure() const { return failure_; }

 private:
  friend struct DatagramBio;
  struct Read {
    Status status;
    std::size_t size;
  };

  DatagramSession(bssl::UniquePtr<SSL> ssl, std::shared_ptr<const ServerContext> context,
                  Sink& sink, const ClientHello& hello);
  Status begin(core::Bytes datagram); // with the handshake, where that isn't done
  Read open(core::MutableBytes out);
  Status classify(int result);

  bssl::UniquePtr<SSL> ssl_;
  std::shared_ptr<const ServerContext> context_;
  Sink& sink_;
  std::array<std::uint8_t, 32> client_random_{};
  core::Bytes lent_;
  std::string failure_;
  bool handshake_done_ = false;
};

} // namespace tls
