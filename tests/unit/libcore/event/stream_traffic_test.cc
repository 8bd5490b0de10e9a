// Much data through streams, both ways at once, with pauses, limits and odd sizes.
#include <random>

#include "libcore/event/stream.h"
#include "tests/unit/libcore/event/tls_ends.h"

namespace {

using event::Stream;

constexpr std::size_t kAll = std::size_t{10} << 20;
constexpr std::size_t kHigh = std::size_t{96} * 1024;
constexpr std::size_t kLargestWrite = std::size_t{40} * 1024;
// What TLS adds to the bytes that wait: 22 or 29 bytes a record, session tickets.
constexpr std::size_t kTlsOverhead = std::size_t{4} * 1024;

// One side: sends `outgoing` in portions, never with more than kHigh waiting, and pauses its reading
// at whim.
struct Side {
  Side(WatchedLoop& on, unsigned seed) : loop(on), random(seed), outgoing(some_bytes(kAll, seed)) {
    events.when_drained = [this] { fill(); };
    events.when_open = [this] { fill(); };
    events.when_data = [this](core::Bytes) {
      if (stream->paused()) ++data_while_paused;
      most_waiting = std::max(most_waiting, stream->pending());
      if (random() % 4 == 0) {
        stream->pause();
        wait = static_cast<int>(random() % 20);
        loop.run_next(wake);
      }
      end_when_done();
    };
  }

  void fill() {
    while (sent < outgoing.size() && stream->pending() < kHigh) {
      const std::size_t size =
          std::min<std::size_t>(1 + random() % kLargestWrite, outgoing.size() - sent);
      stream->write(core::bytes_of(std::string_view(outgoing).substr(sent, size)));
      sent += size;
      most_waiting = std::max(most_waiting, stream->pending());
    }
    end_when_done();
  }

  void end_when_done() {
    if (sent == outgoing.size() && events.data.size() == kAll) stream->shut_down();
  }

  void resume_some_time() {
    if (wait-- > 0) return loop.run_next(wake);
    stream->resume();
  }

  WatchedLoop& loop;
  std::minstd_rand random;
  const std::string outgoing;
  std::size_t sent = 0;
  std::size_t most_waiting = 0;
  int data_while_paused = 0;
  int wait = 0;
  Recorder events;
  std::unique_ptr<Stream> stream;
  event::MemberTask<Side> wake{*this, &Side::resume_some_time};
};

TEST_CASE("10 MB go both ways at once, with pauses, byte for byte and within the limit") {
  // 0: plain
  const auto version = GENERATE(0, TLS1_2_VERSION, TLS1_3_VERSION);
  WatchedLoop loop;
  event::StreamBuffers buffers;
  Side server(loop, 1);
  Side client(loop, 2);
  const auto clients = client_context();
  {
    auto sockets = connected_sockets();
    const bool plain = version == 0;
    server.stream = Stream::accepted(loop, buffers, std::move(sockets.server), server.events,
                                     plain ? nullptr : server_context());
    client.stream = Stream::connecting(
        loop, buffers, std::move(sockets.client), client.events,
        plain ? nullptr : client_ssl(*clients, static_cast<std::uint16_t>(version)));
    for (Side* side : {&server, &client}) side->stream->set_low_water(kHigh / 4);
    if (plain) server.fill();
  }
  loop.run_until([&] {
    return server.events.end && client.events.end && server.stream->fully_sent() &&
           client.stream->fully_sent();
  });
  CHECK(server.events.data == client.outgoing);
  CHECK(client.events.data == server.outgoing);
  for (const Side* side : {&server, &client}) {
    CHECK(side->events.end == event::StreamEnd::clean);
    CHECK(std::ranges::count(side->events.told, "end") == 1);
    CHECK(side->data_while_paused == 0);
    CHECK(side->most_waiting <= kHigh + kLargestWrite + kTlsOverhead);
    CHECK(side->stream->pending() == 0);
  }
  CHECK(buffers.pool.in_use() == 0);
}

} // namespace
