// A client that came over DTLS and has proven its address: its datagrams are opened and go to the
// relay, what the relay has for it is sealed and goes out through the listener.
#pragma once

#include <memory>

#include "libcore/event/loop.h"
#include "libcore/tls/datagram_session.h"
#include "turnd/shell/client_link.h"

namespace turnd {

class DtlsListener;
class Worker;

class DtlsClient final : public event::Retirable,
                         public ClientLink,
                         private tls::DatagramSession::Sink,
                         private event::DeadlineHandler {
 public:
  static constexpr core::Duration kHandshakeLimit = std::chrono::seconds(10);
  // A session that has no allocation and says nothing is closed after one to two of these.
  static constexpr core::Duration kIdleLimit = std::chrono::seconds(30);

  DtlsClient(Worker& worker, DtlsListener& listener, const FiveTuple& five_tuple)
      : worker_(worker), listener_(listener), five_tuple_(five_tuple) {}
  ~DtlsClient() override = default;
  DtlsClient(const DtlsClient&) = delete;
  DtlsClient& operator=(const DtlsClient&) = delete;

  bool start(std::shared_ptr<const tls::ServerContext> context, const tls::ClientHello& hello);
  // Opened in place; lies in the worker's DatagramBuffers.
  void receive(core::MutableBytes datagram, const IpFields& ip);
  void send(const ToClient& message) override;
  void close(); // with close_notify; tells the relay and the listener, once

  const FiveTuple& five_tuple() const { return five_tuple_; }
  bool began_with(const tls::ClientHello& hello) const { return session_->began_with(hello); }

  enum class Stage : std::uint8_t { handshake, unproven, proven }; // proven: has had an allocation
  Stage stage() const { return stage_; }

 private:
  enum DeadlineKind : int { kIdle, kRetransmit };

  void send_sealed(core::Bytes datagram) override;
  void on_deadline(int kind) override;
  bool on_payload(core::Bytes payload, const IpFields& ip);
  void go_on(tls::Status status);
  void set_stage(Stage stage);

  Worker& worker_;
  DtlsListener& listener_;
  const FiveTuple five_tuple_;
  std::unique_ptr<tls::DatagramSession> session_;
  IpFields outgoing_ip_; // of what is being sealed
  Stage stage_ = Stage::handshake;
  bool heard_ = false; // since the last look at the idle limit
  bool closed_ = false;
  core::Deadline idle_{static_cast<event::DeadlineHandler*>(this), kIdle};
  core::Deadline retransmit_{static_cast<event::DeadlineHandler*>(this), kRetransmit};
};

} // namespace turnd
