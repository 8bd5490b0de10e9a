// TURN over TLS that came to a port of the web (contract: listeners[].turn): its decrypted bytes pass
// to turnd over a connection of their own, which begins with a PROXY header (version 2), so that turnd
// knows the client. Both directions hold each other back; when one side ends, the other does.
//
// Each message of turnd goes to the client in a TLS record of its own, as turnd itself sends them:
// there are clients that take a record for a message.
#pragma once

#include <memory>

#include "libcore/event/stream.h"
#include "libcore/stun/framing.h"

namespace rproxyd {

class TurnPassageEvents {
 public:
  // turnd can't be reached, or has ended the connection: what it sent has been written to the client.
  virtual void on_turn_end(std::string_view why) = 0;

 protected:
  ~TurnPassageEvents() = default;
};

class TurnPassage final : private event::StreamEvents {
 public:
  // Bytes that wait in one direction before the other end is not read for a while.
  static constexpr std::size_t kHighWater = std::size_t{128} << 10;

  // `client` outlives the passage; the bytes of both sides are counted in `traffic` from now on. Not started when nullptr: no connection can be made.
  static std::unique_ptr<TurnPassage> begin(event::Loop& loop, event::StreamBuffers& buffers,
                                            event::Stream& client, TurnPassageEvents& events,
                                            event::Traffic& traffic,
                                            const core::SocketAddress& turnd,
                                            const core::SocketAddress& client_address,
                                            const core::SocketAddress& server_address);
  ~TurnPassage();
  TurnPassage(const TurnPassage&) = delete;
  TurnPassage& operator=(const TurnPassage&) = delete;

  void from_client(core::Bytes bytes);
  void client_drained();

 private:
  TurnPassage(event::Loop& loop, event::Stream& client, TurnPassageEvents& events)
      : loop_(loop), client_(client), events_(events) {}
  void on_stream_open() override {}
  void on_stream_data(core::MutableBytes bytes) override;
  void on_stream_drained() override;
  void on_stream_end(event::StreamEnd end, std::string_view why) override;

  event::Loop& loop_;
  event::Stream& client_;
  TurnPassageEvents& events_;
  std::unique_ptr<event::Stream> turnd_;
  stun::FrameSplitter frames_; // from turnd
};

} // namespace rproxyd
