// The session against nghttp2's own client, with bodies that are larger than any window.
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <map>
#include <memory>

#include "rproxyd/http/h2_client_session.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

class Peer {
 public:
  struct Exchange {
    std::string upload;
    std::size_t uploaded = 0;
    std::string status, download;
    bool closed = false;
    std::uint32_t error = 0;
  };

  Peer() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Peer() { nghttp2_session_del(session_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  std::int32_t post(std::string body) {
    const auto field = [](const char* name, const char* value) {
      const auto bytes = [](const char* text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text));
      };
      return nghttp2_nv{bytes(name), bytes(value), std::strlen(name), std::strlen(value), 0};
    };
    const std::array<nghttp2_nv, 4> fields = {field(":method", "POST"), field(":scheme", "https"),
                                              field(":authority", "a"), field(":path", "/echo")};
    nghttp2_data_provider provider{};
    provider.read_callback = read_upload;
    const std::int32_t id =
        nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &provider, nullptr);
    exchanges[id].upload = std::move(body);
    return id;
  }
  std::string to_send() {
    std::string bytes;
    const std::uint8_t* piece = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &piece)) > 0;) {
      bytes += core::text_of({piece, static_cast<std::size_t>(size)});
    }
    return bytes;
  }
  void receive(std::string_view bytes) {
    REQUIRE(nghttp2_session_mem_recv(session_, core::bytes_of(bytes).data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }

  std::map<std::int32_t, Exchange> exchanges;

 private:
  static Peer& self(void* user) { return *static_cast<Peer*>(user); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    if (core::text_of({name, name_size}) == ":status") {
      self(user).exchanges[frame->hd.stream_id].status = core::text_of({value, value_size});
    }
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    self(user).exchanges[id].download += core::text_of({bytes, size});
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    self(user).exchanges[id].closed = true;
    self(user).exchanges[id].error = error;
    return 0;
  }
  static ssize_t read_upload(nghttp2_session*, std::int32_t id, std::uint8_t* room,
                             std::size_t size, std::uint32_t* flags, nghttp2_data_source*,
                             void* user) {
    Exchange& exchange = self(user).exchanges[id];
    size = std::min(size, exchange.upload.size() - exchange.uploaded);
    std::memcpy(room, exchange.upload.data() + exchange.uploaded, size);
    exchange.uploaded += size;
    if (exchange.uploaded == exchange.upload.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  nghttp2_session* session_ = nullptr;
};

std::string text_of_size(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += fmt::format("{} ", i);
  text.resize(size);
  return text;
}

} // namespace

TEST_CASE("h2: more than any window goes up and comes back, on several streams at once") {
  const MessageLimits limits;
  core::ChunkPool pool;
  StringSink sink;
  RecordingClient events;
  Peer peer;
  {
    H2ClientSession session(sink, events, limits, pool);
    events.when_requested = [&](StreamId stream, RequestHead&) {
      ResponseHead head;
      head.status = 200;
      head.body = {BodySize::Kind::open, 0};
      session.respond(stream, head);
    };
    events.when_body = [&](StreamId stream, core::Bytes bytes) {
      session.send_body(stream, bytes);
      session.consumed(stream, bytes.size());
    };
    events.when_ended = [&](StreamId stream) { session.finish(stream, nullptr); };

    const std::map<std::int32_t, std::string> bodies = {
        {peer.post(text_of_size(3'000'000)), text_of_size(3'000'000)},
        {peer.post(text_of_size(1'234'567)), text_of_size(1'234'567)},
        {peer.post(""), ""},
        {peer.post(text_of_size(65'536)), text_of_size(65'536)}};
    for (int turn = 0; turn < 10000 && (turn == 0 || events.open > 0); ++turn) {
      const std::string up = peer.to_send();
      // Pieces of any size, as records and reads would have it.
      for (std::size_t at = 0; at < up.size(); at += 10007) {
        session.feed(core::bytes_of(std::string_view(up).substr(at, 10007)), kNow);
      }
      session.flush(kNow);
      peer.receive(std::exchange(sink.written, {}));
    }
    CHECK(events.open == 0);
    CHECK(events.floods.empty());
    for (const auto& [id, body] : bodies) {
      const Peer::Exchange& exchange = peer.exchanges[id];
      CHECK(exchange.status == "200");
      CHECK(exchange.closed);
      CHECK(exchange.error == NGHTTP2_NO_ERROR);
      CHECK((exchange.download == body));
    }
    session.drain();
    for (int turn = 0; turn < 3; ++turn) {
      session.flush(kNow);
      peer.receive(std::exchange(sink.written, {}));
      session.feed(core::bytes_of(peer.to_send()), kNow);
    }
    session.flush(kNow);
    CHECK(session.finished());
  }
  CHECK(pool.in_use() == 0);
}

} // namespace rproxyd::test
