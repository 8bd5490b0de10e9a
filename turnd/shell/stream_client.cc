#include "turnd/shell/stream_client.h"

#include "turnd/shell/socket_options.h"
#include "turnd/shell/worker.h"

namespace turnd {

StreamClient::StreamClient(Worker& worker, const FiveTuple& five_tuple,
                           std::shared_ptr<ClientFigures> figures)
    : worker_(worker), five_tuple_(five_tuple), figures_(std::move(figures)) {
  ++figures_->now;
  ++figures_->accepted;
}

StreamClient::~StreamClient() { --figures_->now; }

bool StreamClient::start(event::Fd fd, std::shared_ptr<const tls::ServerContext> context) {
  keep_unsent_short(fd.get());
  stream_ = event::Stream::accepted(worker_.loop(), worker_.stream_buffers(), std::move(fd), *this,
                                    std::move(context));
  if (!stream_) return false;
  stream_->set_low_water(kStreamWindow / 2);
  stream_->set_record_per_write(); // coturn's own client takes a record for a message
  worker_.loop().set_after(deadline_, stream_->open() ? kIdleLimit : kHandshakeLimit);
  return true;
}

void StreamClient::on_stream_open() {
  ++figures_->handshakes;
  worker_.loop().set_after(deadline_, kIdleLimit);
}

void StreamClient::on_stream_data(core::MutableBytes bytes) {
  if (tunnel_) return tunnel_->from_client(bytes);
  heard_ = true;
  worker_.loop().pace().count(1);
  const std::size_t longest = proven_ ? stun::kLongestFrame : kLongestUnprovenFrame;
  const auto fed =
      splitter_.feed(bytes, longest, [this](core::Bytes frame) { return on_frame(frame); });
  // What was gathered for peers lies in `bytes` and in the splitter.
  worker_.flush_to_peers();
  splitter_.release();
  if (!fed) return close();
  if (tunnel_ && !closed_) tunnel_->from_client(splitter_.rest());
}

stun::FrameSplitter::Next StreamClient::on_frame(core::Bytes frame) {
  worker_.from_client(five_tuple_, *this, frame);
  if (!proven_ && !closed_ && worker_.server().has_allocation(five_tuple_)) {
    prove();
  }
  return closed_ || tunnel_ ? stun::FrameSplitter::Next::stop : stun::FrameSplitter::Next::go_on;
}

void StreamClient::prove() {
  proven_ = true;
  worker_.stream_client_proven();
}

// Its life is the allocation's: no idle limit.
bool StreamClient::start_tunnel(event::Fd peer, const ConnectionId& id,
                                std::shared_ptr<StreamBandwidth> bandwidth) {
  worker_.loop().cancel(deadline_);
  if (backlog_) { // answers alone
    backlog_->take(worker_.loop().now().steady, [this](core::Bytes bytes) {
      stream_->write(bytes);
      return true;
    });
    backlog_.reset();
  }
  keep_unsent_short(peer.get());
  tunnel_ = std::make_unique<Tunnel>(worker_, *stream_, five_tuple_.transport, *this, id,
                                     std::move(bandwidth));
  return tunnel_->start(std::move(peer));
}

void StreamClient::send(const ToClient& message) {
  if (closed_) return;
  if (!backlog_ && stream_->pending() < kStreamWindow) {
    stream_->write(message.bytes);
    return;
  }
  if (!backlog_)
    backlog_ = std::make_unique<Backlog>(worker_.stream_buffers().pool, worker_.backlog_drops());
  const auto kind =
      message.kind == ToClient::Kind::answer ? Backlog::Kind::answer : Backlog::Kind::data;
  if (!backlog_->add(message.bytes, kind, worker_.loop().now().steady)) close();
}

void StreamClient::on_stream_drained() {
  if (tunnel_) {
    if (tunnel_->client_drained() == Tunnel::Progress::over) close();
    return;
  }
  if (!backlog_ || closed_) return;
  backlog_->take(worker_.loop().now().steady, [this](core::Bytes bytes) {
    stream_->write(bytes);
    return stream_->pending() < kStreamWindow;
  });
  if (!backlog_->empty()) return;
  backlog_.reset();
}

void StreamClient::on_stream_end(event::StreamEnd end, std::string_view) {
  if (tunnel_ && tunnel_->client_ended(end) == Tunnel::Progress::goes_on) return;
  close();
}

void StreamClient::on_deadline(int) {
  const bool keep = stream_->open() && (heard_ || worker_.server().has_allocation(five_tuple_));
  if (!keep) return close();
  heard_ = false;
  worker_.loop().set_after(deadline_, kIdleLimit);
}

void StreamClient::close() {
  if (closed_) return;
  closed_ = true;
  worker_.loop().cancel(deadline_);
  if (tunnel_) tunnel_->close();
  if (stream_ && !stream_->open()) ++figures_->failed_handshakes;
  if (stream_) stream_->close();
  worker_.stream_client_closed(*this);
}

// ---- to another process, and from one

// TLS has its keys here, and of a TCP allocation more than this connection is here.
std::optional<LinkState> StreamClient::leave() {
  if (closed_ || tunnel_ || !stream_->open() || stream_->tls() != nullptr) return std::nullopt;
  if (worker_.server().relays_tcp(five_tuple_)) return std::nullopt;
  stream_->pause();
  while (stream_->pending() > 0 && !stream_->blocked()) stream_->flush();
  if (closed_) return std::nullopt;
  LinkState state;
  state.kind = LinkState::Kind::connection;
  state.five_tuple = five_tuple_;
  state.proven = proven_;
  const core::Bytes unread = splitter_.kept_bytes();
  state.unread.assign(unread.begin(), unread.end());
  state.unsent = stream_->unsent();
  if (backlog_) {
    const auto waiting = backlog_->copy();
    state.unsent.insert(state.unsent.end(), waiting.begin(), waiting.end());
  }
  return state;
}

void StreamClient::close_here() {
  closed_ = true;
  worker_.loop().cancel(deadline_);
  stream_->close();
}

void StreamClient::take_up(const LinkState& state) {
  if (state.proven) prove();
  heard_ = true;
  stream_->write(state.unsent);
  if (!state.unread.empty()) {
    core::Bytes unread = state.unread;
    const auto fed = splitter_.feed(unread, stun::kLongestFrame,
                                    [this](core::Bytes frame) { return on_frame(frame); });
    if (!fed) close();
  }
}

} // namespace turnd
