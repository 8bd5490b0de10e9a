// A client's data connection and a peer's (RFC 6062 section 5.5): the bytes of each become the
// other's. Who reads slowly is waited for: the other side isn't read. An end of one direction is
// passed on, and when both have ended, or one connection is lost, so has the tunnel.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "libcore/event/stream.h"
#include "turnd/relay/peer_connections.h"

namespace turnd {

class Worker;

class Tunnel final : private event::StreamEvents, private event::DeadlineHandler {
 public:
  // What waits for one side before the other is read no more; one read may go beyond.
  static constexpr std::size_t kWindow = std::size_t{256} << 10;

  enum class Progress : std::uint8_t { goes_on, over };

  // `client`, which outlives the tunnel, is somebody else's: its events come by the calls below. When
  // the tunnel is over by what happens on the peer's side, `over` is told.
  class Owner {
   public:
    virtual void on_tunnel_over() = 0;

   protected:
    ~Owner() = default;
  };
  Tunnel(Worker& worker, event::Stream& client, Transport transport, Owner& owner,
         const ConnectionId& id, std::shared_ptr<StreamBandwidth> bandwidth);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  bool start(event::Fd peer);
  void from_client(core::Bytes bytes);
  Progress client_drained();
  Progress client_ended(event::StreamEnd end);
  void close(); // of both sides the peer's

  const ConnectionId& id() const { return id_; }

 private:
  enum Direction : int { to_peer, to_client };
  struct Flow {
    event::Stream* from = nullptr;
    event::Stream* to = nullptr;
    bool full = false;     // `to` takes no more for now
    bool too_fast = false; // for the bandwidth
    bool ended = false;
  };

  void on_stream_open() override {}
  void on_stream_data(core::MutableBytes bytes) override;
  void on_stream_drained() override;
  void on_stream_end(event::StreamEnd end, std::string_view why) override;
  void on_deadline(int kind) override;

  void relay(Direction direction, core::Bytes bytes);
  void drained(Direction direction);
  void ended(Direction direction, event::StreamEnd end);
  void pause_or_resume(const Flow& flow);
  bool is_over() const;

  Worker& worker_;
  event::Stream& client_;
  const Transport transport_; // the client's
  Owner& owner_;
  const ConnectionId id_;
  std::shared_ptr<StreamBandwidth> bandwidth_;
  std::unique_ptr<event::Stream> peer_;
  std::array<Flow, 2> flows_; // by Direction
  bool lost_ = false;
  std::array<core::Deadline, 2> deadlines_;
};

} // namespace turnd
