// A client that came over TCP or TLS: its frames go to the relay, what the relay has for it goes
// into the stream.
#pragma once

#include <memory>

#include "libcore/event/stream.h"
#include "libcore/stun/framing.h"
#include "turnd/relay/take_over.h"
#include "turnd/shell/backlog.h"
#include "turnd/shell/client_link.h"
#include "turnd/shell/figures.h"
#include "turnd/shell/tunnel.h"

namespace turnd {

class Worker;

class StreamClient final : public event::Retirable,
                           public ClientLink,
                           public Tunnel::Owner,
                           private event::StreamEvents,
                           private event::DeadlineHandler {
 public:
  static constexpr core::Duration kHandshakeLimit = std::chrono::seconds(10);
  // A connection that has no allocation and says nothing is closed after one to two of these.
  static constexpr core::Duration kIdleLimit = std::chrono::seconds(30);
  // What a client may make us hold of a half frame before it has an allocation.
  static constexpr std::size_t kLongestUnprovenFrame = 4096;
  // Bytes given to the stream; the rest waits in the backlog, where it can still be dropped.
  static constexpr std::size_t kStreamWindow = std::size_t{64} << 10;

  // `figures`: of the listener, which may go before the client does.
  StreamClient(Worker& worker, const FiveTuple& five_tuple, std::shared_ptr<ClientFigures> figures);
  ~StreamClient() override;
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  bool start(event::Fd fd, std::shared_ptr<const tls::ServerContext> context);
  void close(); // tells the relay and the worker, once

  // For another process: nullopt where it can't go along. It is read and written no more, until stay();
  // or it is closed here, and nobody is told.
  std::optional<LinkState> leave();
  void stay() { stream_->resume(); }
  void close_here();
  int fd() const { return stream_->fd(); }
  // From another process, after start().
  void take_up(const LinkState& state);

  void send(const ToClient& message) override;

  // From now on what it sends and gets is a peer's (RFC 6062), without frames.
  bool start_tunnel(event::Fd peer, const ConnectionId& id,
                    std::shared_ptr<StreamBandwidth> bandwidth);
  const Tunnel* tunnel() const { return tunnel_.get(); }
  void prove(); // it has an allocation, or is a tunnel of one

  const FiveTuple& five_tuple() const { return five_tuple_; }
  // No allocation has been seen on it yet.
  bool unproven() const { return !proven_; }

 private:
  void on_stream_open() override;
  void on_stream_data(core::MutableBytes bytes) override;
  void on_stream_drained() override;
  void on_stream_end(event::StreamEnd end, std::string_view why) override;
  void on_deadline(int kind) override;
  stun::FrameSplitter::Next on_frame(core::Bytes frame);
  void on_tunnel_over() override { close(); }

  Worker& worker_;
  const FiveTuple five_tuple_;
  const std::shared_ptr<ClientFigures> figures_;
  std::unique_ptr<event::Stream> stream_;
  std::unique_ptr<Tunnel> tunnel_; // of the stream
  stun::FrameSplitter splitter_;
  std::unique_ptr<Backlog> backlog_; // only while something waits
  bool proven_ = false;
  bool heard_ = false; // since the last look at the idle limit
  bool closed_ = false;
  core::Deadline deadline_{static_cast<event::DeadlineHandler*>(this)};
};

} // namespace turnd
