#include "turnd/shell/udp_listener.h"

#include "libcore/event/socket.h"
#include "turnd/shell/socket_options.h"
#include "turnd/shell/worker.h"

namespace turnd {

UdpListener::UdpListener(Worker& worker, event::Fd fd, std::shared_ptr<const Listener> listener)
    : worker_(worker),
      fd_(std::move(fd)),
      listener_(std::move(listener)),
      address_(event::local_address(fd_.get())),
      wildcard_(address_.ip().is_unspecified()),
      standing_(ip_fields(fd_.get(), address_.family())),
      watch_(worker_.loop(), fd_.get(), *this) {
  want_large_buffers(fd_.get());
  want_ip_fields(fd_.get(), address_.family());
  want_merged(fd_.get());
  if (wildcard_) want_destination(fd_.get(), address_.family());
}

UdpListener::~UdpListener() = default;

void UdpListener::on_ready(event::Readiness) {
  FiveTuple five_tuple{.transport = Transport::udp, .client = {}, .server = address_};
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    DatagramBuffers& buffers = worker_.buffers_with_room();
    const std::size_t room = buffers.free();
    const auto batch = buffers.receive(fd_.get(), room);
    worker_.loop().pace().count(batch.size());
    for (const auto& datagram : batch) {
      five_tuple.client = datagram.from;
      if (datagram.to) five_tuple.server = {*datagram.to, address_.port()};
      const bool wanted = !departing_ || covered_ || worker_.server().has_allocation(five_tuple);
      if (wanted) from_client(five_tuple, datagram);
    }
    if (batch.size() < room) return; // the socket is empty
  }
  worker_.loop().pace().left_some();
}

void UdpListener::from_client(const FiveTuple& five_tuple,
                              const DatagramBuffers::Received& received) {
  core::Bytes rest = received.payload;
  while (received.segment != 0 && rest.size() > received.segment) {
    worker_.from_client(five_tuple, *this, rest.first(received.segment), received.ip);
    rest = rest.subspan(received.segment);
  }
  worker_.from_client(five_tuple, *this, rest, received.ip);
}

void UdpListener::keep(std::shared_ptr<const Listener> listener) {
  listener_ = std::move(listener);
  departing_ = false;
  emptied_ = false;
  covered_ = false;
}

void UdpListener::depart(bool covered) {
  departing_ = true;
  covered_ = covered;
}

bool UdpListener::is_over() {
  if (covered_) return false;
  if (!emptied_ && !worker_.server().reaches_clients_by(tag())) {
    emptied_ = true;
    listener_->departure->emptied();
  }
  return listener_->departure->is_over();
}

void UdpListener::send(const ToClient& message) {
  const core::SocketAddress& to = message.five_tuple->client;
  const auto from = wildcard_ ? std::optional(message.five_tuple->server.ip()) : std::nullopt;
  if (message.kind == ToClient::Kind::answer) {
    const int error = send_datagram({.fd = fd_.get(),
                                     .to = to,
                                     .payload = message.bytes,
                                     .ip = message.ip,
                                     .standing = standing_.get(),
                                     .from = from});
    if (error != 0) lost_answers_.count(error);
    return;
  }
  if (standing_.should_become(message.ip)) {
    batch_.flush(); // what waits counts on the former ones
    set_ip_fields(fd_.get(), address_.family(), message.ip);
    standing_.become(message.ip);
  }
  if (batch_.full()) batch_.flush();
  batch_.add({.fd = fd_.get(),
              .to = to,
              .payload = message.bytes,
              .ip = message.ip,
              .standing = standing_.get(),
              .from = from});
}

SendLosses UdpListener::losses() const {
  SendLosses losses = batch_.losses();
  losses += lost_answers_;
  return losses;
}

ListenerFigures UdpListener::figures() const {
  return {.transport = Transport::udp,
          .address = address_,
          .clients = {},
          .queue_drops = queue_drops(fd_.get())};
}

} // namespace turnd
