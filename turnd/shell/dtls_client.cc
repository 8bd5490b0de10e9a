#include "turnd/shell/dtls_client.h"

#include "turnd/shell/dtls_listener.h"
#include "turnd/shell/worker.h"

namespace turnd {

bool DtlsClient::start(std::shared_ptr<const tls::ServerContext> context,
                       const tls::ClientHello& hello) {
  session_ = tls::DatagramSession::accept(std::move(context), *this, hello);
  if (!session_) return false;
  worker_.loop().set_after(idle_, kHandshakeLimit);
  return true;
}

void DtlsClient::receive(core::MutableBytes datagram, const IpFields& ip) {
  heard_ = true;
  go_on(session_->receive(datagram,
                          [&](core::MutableBytes payload) { return on_payload(payload, ip); }));
}

bool DtlsClient::on_payload(core::Bytes payload, const IpFields& ip) {
  worker_.from_client(five_tuple_, *this, payload, ip);
  if (closed_) return false;
  if (stage_ != Stage::proven && worker_.server().has_allocation(five_tuple_)) {
    set_stage(Stage::proven);
  }
  return true;
}

// What a call of the session left to do.
void DtlsClient::go_on(tls::Status status) {
  if (closed_) return;
  if (status == tls::Status::closed || status == tls::Status::failed) return close();
  if (stage_ == Stage::handshake && session_->handshake_done()) {
    set_stage(Stage::unproven);
    worker_.loop().set_after(idle_, kIdleLimit);
  }
  if (const auto wait = session_->retransmit_in()) {
    worker_.loop().set_after(retransmit_, *wait);
  } else {
    worker_.loop().cancel(retransmit_);
  }
}

void DtlsClient::send(const ToClient& message) {
  if (closed_) return;
  outgoing_ip_ = message.ip;
  if (session_->write(message.bytes) != tls::Status::ok) listener_.lose_one();
  outgoing_ip_ = {};
}

void DtlsClient::send_sealed(core::Bytes datagram) {
  listener_.send_sealed(five_tuple_, datagram, outgoing_ip_);
}

void DtlsClient::on_deadline(int kind) {
  if (kind == kRetransmit) return go_on(session_->retransmit());
  const bool keep =
      stage_ != Stage::handshake && (heard_ || worker_.server().has_allocation(five_tuple_));
  if (!keep) return close();
  heard_ = false;
  worker_.loop().set_after(idle_, kIdleLimit);
}

void DtlsClient::set_stage(Stage stage) {
  listener_.stage_changed(stage_, stage);
  stage_ = stage;
}

void DtlsClient::close() {
  if (closed_) return;
  closed_ = true;
  worker_.loop().cancel(idle_);
  worker_.loop().cancel(retransmit_);
  session_->shut_down();
  listener_.closed(*this);
}

} // namespace turnd
