#include "rproxyd/shell/turn_passage.h"

#include "libcore/event/socket.h"
#include "libcore/proxy_protocol/header.h"
#include "libcore/stun/attributes.h"

namespace rproxyd {

std::unique_ptr<TurnPassage> TurnPassage::begin(event::Loop& loop, event::StreamBuffers& buffers,
                                                event::Stream& client, TurnPassageEvents& events,
                                                event::Traffic& traffic,
                                                const core::SocketAddress& turnd,
                                                const core::SocketAddress& client_address,
                                                const core::SocketAddress& server_address) {
  auto fd = event::connect_tcp(turnd);
  if (!fd) return nullptr;
  std::unique_ptr<TurnPassage> passage(new TurnPassage(loop, client, events));
  passage->turnd_ =
      event::Stream::connecting(loop, buffers, std::move(*fd), *passage, bssl::UniquePtr<SSL>());
  if (!passage->turnd_) return nullptr;
  passage->turnd_->count_in(traffic);
  client.count_in(traffic);
  passage->turnd_->set_low_water(kHighWater / 2);
  client.set_low_water(kHighWater / 2);
  client.set_record_per_write();
  const auto header = proxy_protocol::encode_v2(
      proxy_protocol::Endpoints{.source = client_address, .destination = server_address});
  passage->turnd_->write(header.bytes());
  return passage;
}

TurnPassage::~TurnPassage() {
  turnd_->close();
  loop_.retire(std::move(turnd_));
}

void TurnPassage::from_client(core::Bytes bytes) {
  turnd_->write(bytes);
  if (turnd_->pending() >= kHighWater) client_.pause();
}

void TurnPassage::client_drained() { turnd_->resume(); }

void TurnPassage::on_stream_data(core::MutableBytes bytes) {
  const auto fed = frames_.feed(bytes, stun::kLongestFrame, [this](core::Bytes frame) {
    client_.write({frame.data(), stun::padded(frame.size())}); // its padding lies behind it
    return stun::FrameSplitter::Next::go_on;
  });
  frames_.release();
  if (!fed) return events_.on_turn_end("what it sends is not TURN");
  if (client_.pending() >= kHighWater) turnd_->pause();
}

void TurnPassage::on_stream_drained() { client_.resume(); }

void TurnPassage::on_stream_end(event::StreamEnd end, std::string_view why) {
  events_.on_turn_end(end == event::StreamEnd::clean ? std::string_view{} : why);
}

} // namespace rproxyd
