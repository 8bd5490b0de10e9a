#include "turnd/shell/tunnel.h"

#include <utility>

#include "turnd/shell/worker.h"

namespace turnd {

Tunnel::Tunnel(Worker& worker, event::Stream& client, Transport transport, Owner& owner,
               const ConnectionId& id, std::shared_ptr<StreamBandwidth> bandwidth)
    : worker_(worker),
      client_(client),
      transport_(transport),
      owner_(owner),
      id_(id),
      bandwidth_(std::move(bandwidth)),
      deadlines_{core::Deadline(static_cast<event::DeadlineHandler*>(this), to_peer),
                 core::Deadline(static_cast<event::DeadlineHandler*>(this), to_client)} {}

Tunnel::~Tunnel() { close(); }

bool Tunnel::start(event::Fd peer) {
  peer_ = event::Stream::accepted(worker_.loop(), worker_.stream_buffers(), std::move(peer), *this,
                                  nullptr);
  if (!peer_) return false;
  flows_[to_peer] = {.from = &client_, .to = peer_.get()};
  flows_[to_client] = {.from = peer_.get(), .to = &client_};
  for (event::Stream* stream : {&client_, peer_.get()}) {
    stream->set_low_water(kWindow / 2);
    stream->set_reset_overtakes();
  }
  return true;
}

void Tunnel::from_client(core::Bytes bytes) { relay(to_peer, bytes); }

void Tunnel::on_stream_data(core::MutableBytes bytes) { relay(to_client, bytes); }

void Tunnel::relay(Direction direction, core::Bytes bytes) {
  if (bytes.empty()) return;
  Flow& flow = flows_[static_cast<std::size_t>(direction)];
  flow.to->write(bytes);
  const std::size_t up = direction == to_peer ? bytes.size() : 0;
  const std::size_t down = direction == to_client ? bytes.size() : 0;
  worker_.count_tunnelled(transport_, up, down);
  bandwidth_->count(up, down);
  if (flow.to->pending() >= kWindow) flow.full = true;
  const core::Duration wait = bandwidth_->take(bytes.size(), worker_.loop().now().steady);
  if (wait > core::Duration(0)) {
    flow.too_fast = true;
    worker_.loop().set_after(deadlines_[static_cast<std::size_t>(direction)], wait);
  }
  pause_or_resume(flow);
}

void Tunnel::pause_or_resume(const Flow& flow) {
  if (flow.full || flow.too_fast) {
    flow.from->pause();
  } else {
    flow.from->resume();
  }
}

void Tunnel::on_deadline(int kind) {
  Flow& flow = flows_[static_cast<std::size_t>(kind)];
  flow.too_fast = false;
  pause_or_resume(flow);
}

Tunnel::Progress Tunnel::client_drained() {
  drained(to_client);
  return is_over() ? Progress::over : Progress::goes_on;
}

void Tunnel::on_stream_drained() {
  drained(to_peer);
  if (is_over()) owner_.on_tunnel_over();
}

void Tunnel::drained(Direction direction) {
  Flow& flow = flows_[static_cast<std::size_t>(direction)];
  if (!flow.full) return;
  flow.full = false;
  pause_or_resume(flow);
}

Tunnel::Progress Tunnel::client_ended(event::StreamEnd end) {
  ended(to_peer, end);
  return is_over() ? Progress::over : Progress::goes_on;
}

void Tunnel::on_stream_end(event::StreamEnd end, std::string_view) {
  ended(to_client, end);
  if (is_over()) owner_.on_tunnel_over();
}

// A connection that is lost may have lost bytes, which the other side must not take for an end.
void Tunnel::ended(Direction direction, event::StreamEnd end) {
  Flow& flow = flows_[static_cast<std::size_t>(direction)];
  if (end == event::StreamEnd::clean) {
    flow.ended = true;
    flow.to->shut_down();
  } else {
    lost_ = true;
    flow.to->abort();
  }
}

bool Tunnel::is_over() const {
  if (lost_) return true;
  return flows_[to_peer].ended && flows_[to_client].ended && client_.fully_sent() &&
         peer_->fully_sent();
}

void Tunnel::close() {
  for (core::Deadline& deadline : deadlines_) worker_.loop().cancel(deadline);
  if (peer_) peer_->close();
}

} // namespace turnd
