#include "libcore/event/stream.h"
#include "tests/unit/libcore/event/tls_ends.h"

namespace {

using event::Stream;
using event::StreamEnd;
using Told = std::vector<std::string>;

// A TLS server stream, and its client as a session worked by hand.
struct TlsEnds {
  explicit TlsEnds(std::uint16_t version = TLS1_3_VERSION) : version_(version) {}

  void handshake() {
    loop.run_until([&] {
      peer.work();
      return peer.session.handshake_done() && events.opened();
    });
  }
  void wait_for_end() {
    loop.run_until([&] { return events.end.has_value(); });
  }
  // The first write of a server takes the session tickets along.
  void send_tickets() {
    stream->write(core::bytes_of("x"));
    loop.run_until([&] {
      peer.work();
      return peer.received == "x" && events.drained == 1;
    });
    peer.received.clear();
    events.told.clear();
    peer.ciphertext = 0;
  }

  std::uint16_t version_;
  WatchedLoop loop;
  event::StreamBuffers buffers;
  Recorder events;
  SocketPair sockets = connected_sockets();
  std::unique_ptr<tls::ClientContext> client = client_context();
  core::ChunkPool pool;
  BareTlsPeer peer{std::move(sockets.client), client_ssl(*client, version_), pool};
  std::unique_ptr<Stream> stream =
      Stream::accepted(loop, buffers, std::move(sockets.server), events, server_context());
};

// A TLS client stream, and its server as a session worked by hand.
struct TlsClientEnds {
  explicit TlsClientEnds(std::uint16_t version = TLS1_3_VERSION)
      : stream(Stream::connecting(loop, buffers, std::move(sockets.client), events,
                                  client_ssl(*client, version))) {}

  WatchedLoop loop;
  event::StreamBuffers buffers;
  Recorder events;
  SocketPair sockets = connected_sockets();
  std::unique_ptr<tls::ClientContext> client = client_context();
  std::shared_ptr<tls::ServerContext> context = server_context();
  core::ChunkPool pool;
  BareTlsPeer peer{std::move(sockets.server), context, pool};
  std::unique_ptr<Stream> stream;
};

// ---- opening

TEST_CASE("a TLS stream opens when the handshake is done, and tells nothing before") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  TlsEnds ends(version);
  CHECK_FALSE(ends.stream->open());
  ends.handshake();
  CHECK(ends.stream->open());
  CHECK(ends.events.told == Told{"open"});
  CHECK(ends.stream->tls()->version() ==
        std::string(version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));
  CHECK(ends.stream->tls()->server_name() == "localhost");
}

TEST_CASE("what was written before a TLS stream is open arrives, small or large") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  const auto size = GENERATE(std::size_t{1}, std::size_t{16} * 1024, std::size_t{100'000});
  TlsClientEnds ends(version);
  const auto early = some_bytes(size);
  ends.stream->write(core::bytes_of(early));
  ends.loop.run_until([&] {
    ends.peer.work();
    return ends.peer.received.size() >= early.size();
  });
  CHECK(ends.peer.received == early);
  CHECK(ends.events.told == Told{"open", "drained"});
}

TEST_CASE("shut_down() before a TLS stream is open waits for it: close_notify, then FIN") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  const auto early = GENERATE(std::string(), std::string("early"));
  TlsClientEnds ends(version);
  ends.stream->write(core::bytes_of(early));
  ends.stream->shut_down();
  ends.loop.run_until([&] {
    ends.peer.work();
    return ends.peer.socket.ended;
  });
  CHECK(ends.peer.received == early);
  CHECK(ends.peer.closed);
  CHECK(ends.stream->fully_sent());
}

TEST_CASE("something else than TLS ends as a TLS failure, and is told why by an alert") {
  TlsEnds ends;
  ends.peer.socket.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
  ends.wait_for_end();
  CHECK(ends.events.end == StreamEnd::tls);
  CHECK(ends.events.why == "HTTP_REQUEST");
  CHECK(ends.events.told == Told{"end"});
  ends.stream->close();
  ends.loop.settle();

  TlsEnds garbled;
  garbled.peer.socket.send(some_bytes(5000));
  garbled.wait_for_end();
  CHECK(garbled.events.end == StreamEnd::tls);
  CHECK_FALSE(garbled.events.why.empty());
  garbled.peer.socket.receive();
  CHECK(garbled.peer.socket.received.starts_with('\x15')); // an alert record (RFC 8446 5.1)
}

TEST_CASE("versions that don't meet end as a TLS failure on both sides, with the reason") {
  WatchedLoop loop;
  event::StreamBuffers buffers;
  Recorder server_events;
  Recorder client_events;
  auto sockets = connected_sockets();
  const auto client = client_context();
  const auto server = Stream::accepted(loop, buffers, std::move(sockets.server), server_events,
                                       server_context({.min_version = TLS1_3_VERSION, .alpn = {}}));
  const auto connection = Stream::connecting(loop, buffers, std::move(sockets.client),
                                             client_events, client_ssl(*client, TLS1_2_VERSION));
  loop.run_until([&] { return server_events.end && client_events.end; });
  CHECK(server_events.end == StreamEnd::tls);
  CHECK(server_events.why == "UNSUPPORTED_PROTOCOL");
  CHECK(client_events.end == StreamEnd::tls);
  CHECK(client_events.why == "TLSV1_ALERT_PROTOCOL_VERSION");
}

TEST_CASE("a connection that ends during the TLS handshake says so") {
  TlsEnds ends;
  ends.peer.session.handshake(); // makes a ClientHello
  const std::string hello(core::text_of(ends.peer.output.front()));
  ends.peer.socket.send(hello.substr(0, 20));
  ends.peer.socket.half_close();
  ends.wait_for_end();
  CHECK(ends.events.end == StreamEnd::reset);
  CHECK(ends.events.why == "the connection ended during the TLS handshake");
}

TEST_CASE("a handshake that arrives byte by byte succeeds") {
  TlsEnds ends;
  ends.peer.session.handshake();
  const auto trickle = [&] {
    while (!ends.peer.output.empty()) {
      ends.peer.socket.send(core::text_of(ends.peer.output.front().first(1)));
      ends.peer.output.consume(1);
      ends.loop.settle();
    }
  };
  trickle();
  ends.peer.socket.receive();
  const std::string answer = ends.peer.socket.received;
  ends.peer.session.feed(core::bytes_of(answer));
  REQUIRE(ends.peer.session.handshake() == tls::Status::ok);
  ends.peer.session.keep_rest();
  CHECK_FALSE(ends.events.opened());
  trickle();
  CHECK(ends.events.opened());
}

TEST_CASE(
    "data that arrive together with the handshake's end are delivered after on_stream_open()") {
  TlsEnds ends;
  ends.peer.session.handshake();
  ends.peer.send_output();
  ends.loop.run_until([&] {
    ends.peer.socket.receive();
    return !ends.peer.socket.received.empty();
  });
  const std::string answer = ends.peer.socket.received;
  ends.peer.session.feed(core::bytes_of(answer));
  REQUIRE(ends.peer.session.handshake() == tls::Status::ok);
  ends.peer.session.keep_rest();
  ends.peer.send("first words"); // with the Finished
  ends.loop.run_until([&] { return ends.events.data == "first words"; });
  CHECK(ends.events.told == Told{"open", "data"});
}

// ---- ending

TEST_CASE("close_notify, and a FIN behind it, are one clean end") {
  TlsEnds ends;
  ends.handshake();
  ends.peer.session.write(core::bytes_of("bye"));
  ends.peer.session.shut_down();
  ends.peer.send_output();
  const bool together = GENERATE(true, false);
  if (together) ends.peer.socket.half_close();
  ends.wait_for_end();
  ends.peer.socket.half_close();
  ends.loop.settle();
  CHECK(ends.events.told == Told{"open", "data", "end"});
  CHECK(ends.events.end == StreamEnd::clean);
  ends.peer.socket.reset();
  ends.loop.settle();
  CHECK(ends.events.told == Told{"open", "data", "end", "end"});
  CHECK(ends.events.end == StreamEnd::reset);
}

TEST_CASE("a FIN without close_notify is not clean: what came may be cut short (RFC 8446 6.1)") {
  TlsEnds ends;
  ends.handshake();
  ends.peer.send("half an answer");
  ends.peer.socket.half_close();
  ends.wait_for_end();
  CHECK(ends.events.told == Told{"open", "data", "end"});
  CHECK(ends.events.data == "half an answer");
  CHECK(ends.events.end == StreamEnd::reset);
  CHECK(ends.events.why == "the connection ended without close_notify");
}

TEST_CASE("after the peer's close_notify we may still write, and end with our own") {
  TlsEnds ends;
  ends.handshake();
  ends.peer.session.shut_down();
  ends.peer.send_output();
  ends.wait_for_end();
  const auto answer = some_bytes(300'000);
  ends.stream->write(core::bytes_of(answer));
  ends.stream->shut_down();
  ends.loop.run_until([&] {
    ends.peer.work();
    return ends.peer.socket.ended;
  });
  CHECK(ends.peer.received == answer);
  CHECK(ends.peer.closed);
  CHECK(ends.events.told == Told{"open", "end", "drained"});
}

TEST_CASE("shut_down() leaves close_notify and FIN behind all data, even when the kernel is full") {
  TlsEnds ends;
  ends.handshake();
  const auto all = some_bytes(std::size_t{8} << 20);
  ends.stream->write(core::bytes_of(all));
  ends.stream->shut_down();
  ends.loop.settle();
  REQUIRE(ends.stream->pending() > 0);
  ends.loop.run_until([&] {
    ends.peer.work();
    return ends.peer.socket.ended;
  });
  CHECK(ends.peer.received == all);
  CHECK(ends.peer.closed);
  CHECK(ends.stream->fully_sent());
  CHECK(ends.events.drained == 1);
}

TEST_CASE(
    "a record that was tampered with ends as a TLS failure; what came before it is delivered") {
  TlsEnds ends;
  ends.handshake();
  ends.peer.session.write(core::bytes_of("sound"));
  ends.peer.send_output();
  ends.peer.session.write(core::bytes_of("forged"));
  std::string record(core::text_of(ends.peer.output.front()));
  record.back() ^= 1;
  ends.peer.output.clear();
  ends.peer.socket.send(record + some_bytes(1000));
  ends.wait_for_end();
  CHECK(ends.events.told == Told{"open", "data", "end"});
  CHECK(ends.events.data == "sound");
  CHECK(ends.events.end == StreamEnd::tls);
  CHECK(ends.events.why == "BAD_DECRYPT");
  ends.peer.work();
  CHECK(ends.peer.failed); // it was sent the alert
  // The stream is of no more use, but harmless until it is closed.
  ends.stream->write(core::bytes_of("anything"));
  ends.peer.socket.send(some_bytes(1000));
  ends.loop.settle();
  CHECK(ends.events.told == Told{"open", "data", "end"});
}

TEST_CASE("a reset of a TLS connection is told once") {
  TlsEnds ends;
  ends.handshake();
  ends.peer.socket.reset();
  ends.wait_for_end();
  ends.stream->write(core::bytes_of("to nobody"));
  ends.loop.settle();
  CHECK(ends.events.told == Told{"open", "end"});
  CHECK(ends.events.end == StreamEnd::reset);
}

TEST_CASE("a TLS peer that answers and goes loses nothing of its answer to our failing write") {
  TlsEnds ends;
  ends.handshake();
  ends.stream->set_low_water(1000);
  ends.peer.send("413 too large");
  ends.peer.socket.reset();
  ends.stream->write(core::bytes_of("the rest of a large request"));
  ends.stream->flush();
  ends.wait_for_end();
  CHECK(ends.events.told == Told{"open", "data", "end"});
  CHECK(ends.events.data == "413 too large");
  CHECK(ends.events.end == StreamEnd::reset);
}

// ---- pausing

TEST_CASE("a pause keeps records that were read but not decrypted, and gives them on resume()") {
  TlsEnds ends;
  ends.handshake();
  constexpr std::size_t kRecord = 12'600; // 4 fill the stream's buffer but for less than a record
  const auto all = some_bytes(5 * kRecord);
  for (std::size_t i = 0; i < 5; ++i) {
    ends.peer.session.write(core::bytes_of(std::string_view(all).substr(i * kRecord, kRecord)));
  }
  ends.peer.session.shut_down();
  ends.peer.send_output();
  ends.events.when_data = [&](core::Bytes) { ends.stream->pause(); };
  ends.loop.run_until([&] { return !ends.events.data.empty(); });
  ends.loop.settle();
  CHECK(ends.events.data == all.substr(0, 4 * kRecord));
  CHECK(ends.stream->tls()->has_input());
  CHECK_FALSE(ends.events.end);

  ends.stream->resume(); // nothing arrives from the network any more
  ends.loop.run_until([&] { return ends.events.data == all; });
  ends.stream->resume();
  ends.wait_for_end();
  CHECK(ends.events.end == StreamEnd::clean);
  CHECK(ends.buffers.pool.in_use() == 0);
}

TEST_CASE("a TLS stream that is paused from the start of its data on reads them after resume()") {
  TlsEnds ends;
  ends.events.when_open = [&] { ends.stream->pause(); };
  ends.handshake();
  ends.peer.send("held");
  ends.loop.settle();
  CHECK(ends.events.told == Told{"open"});
  ends.stream->resume();
  ends.loop.run_until([&] { return ends.events.data == "held"; });
}

TEST_CASE("a pause during the handshake holds it, and resume() goes on") {
  TlsEnds ends;
  ends.stream->pause();
  ends.peer.work();
  ends.loop.settle();
  CHECK(ends.events.told.empty());
  ends.stream->resume();
  ends.handshake();
  CHECK(ends.events.told == Told{"open"});
}

// ---- writing

TEST_CASE("small writes of one wake-up share a TLS record") {
  TlsEnds ends;
  ends.handshake();
  ends.send_tickets();
  for (int i = 0; i < 100; ++i) ends.stream->write(core::bytes_of("0123456789"));
  ends.loop.run_until([&] {
    ends.peer.work();
    return ends.peer.received.size() == 1000;
  });
  constexpr std::size_t kOverhead = 5 + 1 + 16; // header, type, tag (RFC 8446 5.2)
  CHECK(ends.peer.ciphertext == 1000 + kOverhead);
}

TEST_CASE("with a record per write, each write is a TLS record of its own from then on") {
  TlsEnds ends;
  ends.handshake();
  ends.send_tickets();
  ends.stream->write(core::bytes_of("gathered "));
  ends.stream->write(core::bytes_of("together "));
  ends.stream->set_record_per_write();
  for (int i = 0; i < 3; ++i) ends.stream->write(core::bytes_of("alone "));
  ends.loop.run_until([&] {
    ends.peer.work();
    return ends.peer.received == "gathered together alone alone alone ";
  });
  constexpr std::size_t kOverhead = 5 + 1 + 16; // header, type, tag (RFC 8446 5.2)
  CHECK(ends.peer.ciphertext == ends.peer.received.size() + 4 * kOverhead);
}

TEST_CASE("on_stream_drained() is for what was written, not for what the handshake sends") {
  TlsEnds ends;
  ends.handshake();
  ends.loop.settle();
  CHECK(ends.events.drained == 0);
  ends.stream->write(core::bytes_of("some"));
  ends.loop.run_until([&] { return ends.events.drained == 1; });
}

TEST_CASE("a key update of the peer is answered, and data go on both ways (RFC 8446 4.6.3)") {
  TlsEnds ends;
  ends.handshake();
  ends.send_tickets();
  REQUIRE(SSL_key_update(ends.peer.ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
  ends.peer.send("before");
  ends.loop.run_until([&] { return ends.events.data == "before"; });
  ends.stream->write(core::bytes_of("after"));
  ends.loop.run_until([&] {
    ends.peer.work();
    return ends.peer.received == "after";
  });
  constexpr std::size_t kRecord = 5 + 1 + 16; // header, type, tag
  constexpr std::size_t kKeyUpdate = 5;
  CHECK(ends.peer.ciphertext == kRecord + kKeyUpdate + kRecord + 5);
  CHECK(ends.events.told == Told{"data", "drained"});
}

TEST_CASE("a TLS stream may be closed and retired from inside any of its events") {
  WatchedLoop loop;
  event::StreamBuffers buffers;
  Recorder events;
  Recorder other_events;
  auto sockets = connected_sockets();
  const auto client = client_context();
  auto stream =
      Stream::accepted(loop, buffers, std::move(sockets.server), events, server_context());
  auto other = Stream::connecting(loop, buffers, std::move(sockets.client), other_events,
                                  client_ssl(*client));
  bool gone = false;
  const auto go = [&] {
    stream->close();
    loop.retire(std::move(stream));
    gone = true;
  };
  const auto much = some_bytes(200'000);
  SECTION("on_stream_open") {
    events.when_open = go;
    other->write(core::bytes_of(much));
  }
  SECTION("on_stream_data") {
    events.when_data = [&](core::Bytes) { go(); };
    other->write(core::bytes_of(much));
  }
  SECTION("on_stream_drained") {
    events.when_drained = go;
    stream->write(core::bytes_of(much));
    stream->shut_down();
  }
  SECTION("on_stream_end, clean") {
    events.when_ended = go;
    other->shut_down();
  }
  SECTION("on_stream_end, failed") {
    events.when_ended = go;
    REQUIRE(::send(other->fd(), much.data(), 1000, MSG_NOSIGNAL) == 1000);
  }
  loop.run_until([&] { return gone; });
  const auto told = events.told;
  loop.settle();
  CHECK(events.told == told);
}

} // namespace
