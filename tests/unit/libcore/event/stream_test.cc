#include "libcore/event/stream.h"

#include "tests/unit/libcore/event/stream_ends.h"

namespace {

using event::Stream;
using event::StreamEnd;

constexpr std::size_t kMany = std::size_t{8} << 20; // more than any socket's buffers hold

// A plain stream that was accepted, and its peer as a bare socket.
struct PlainEnds {
  WatchedLoop loop;
  event::StreamBuffers buffers;
  Recorder events;
  SocketPair sockets = connected_sockets();
  BarePeer peer{std::move(sockets.client)};
  std::unique_ptr<Stream> stream =
      Stream::accepted(loop, buffers, std::move(sockets.server), events, nullptr);

  void wait_for_end() {
    loop.run_until([&] { return events.end.has_value(); });
  }
};

using Told = std::vector<std::string>;

TEST_CASE("an accepted plain stream is open from the start") {
  PlainEnds ends;
  CHECK(ends.stream->open());
  ends.loop.settle();
  CHECK(ends.events.told.empty());
}

TEST_CASE("a stream that connects raises on_stream_open() once, and then reads and writes") {
  WatchedLoop loop;
  event::StreamBuffers buffers;
  Recorder events;
  auto sockets = connected_sockets();
  BarePeer peer(std::move(sockets.server));
  auto stream = Stream::connecting(loop, buffers, std::move(sockets.client), events, nullptr);
  CHECK_FALSE(stream->open());
  peer.send("hello");
  loop.run_until([&] { return events.data == "hello"; });
  CHECK(events.told == Told{"open", "data"});
  CHECK(stream->open());
}

TEST_CASE("a connection that can't be made ends as refused, once") {
  WatchedLoop loop;
  event::StreamBuffers buffers;
  Recorder events;
  auto sockets = connected_sockets();
  BarePeer(std::move(sockets.server)).reset(); // leaves an error on the socket, as a refusal does
  auto stream = Stream::connecting(loop, buffers, std::move(sockets.client), events, nullptr);
  loop.run_until([&] { return events.end.has_value(); });
  loop.settle();
  CHECK(events.told == Told{"end"});
  CHECK(events.end == StreamEnd::refused);
  CHECK(events.why == "Connection reset by peer");
  CHECK_FALSE(stream->open());
}

TEST_CASE("what is written before the connection is open leaves once it is, and so does its end") {
  WatchedLoop loop;
  event::StreamBuffers buffers;
  Recorder events;
  auto sockets = connected_sockets();
  BarePeer peer(std::move(sockets.server));
  auto stream = Stream::connecting(loop, buffers, std::move(sockets.client), events, nullptr);
  const bool with_data = GENERATE(true, false);
  if (with_data) stream->write(core::bytes_of("early"));
  stream->shut_down();
  loop.run_until([&] {
    peer.receive();
    return peer.ended;
  });
  CHECK(peer.received == (with_data ? "early" : ""));
  CHECK(stream->fully_sent());
  CHECK(events.told == Told{"open", "drained"});
}

// ---- reading

TEST_CASE("data and an end that arrive in one wake-up are both told (short read, EPOLLRDHUP)") {
  PlainEnds ends;
  ends.peer.send("last words");
  ends.peer.half_close();
  ends.wait_for_end();
  CHECK(ends.events.data == "last words");
  CHECK(ends.events.end == StreamEnd::clean);
  CHECK(ends.events.told == Told{"data", "end"});
}

TEST_CASE("an end that comes long after a short read is told") {
  PlainEnds ends;
  ends.peer.send("words");
  ends.loop.run_until([&] { return ends.events.data == "words"; });
  ends.loop.settle();
  CHECK_FALSE(ends.events.end.has_value());
  ends.peer.half_close();
  ends.wait_for_end();
  CHECK(ends.events.end == StreamEnd::clean);
}

TEST_CASE("data in several portions, each read short, all arrive") {
  PlainEnds ends;
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const auto portion =
        some_bytes(static_cast<std::size_t>(1 + i * 517), static_cast<unsigned>(i));
    REQUIRE(ends.peer.send(portion) == portion.size());
    all += portion;
    ends.loop.run_until([&] { return ends.events.data == all; });
  }
}

TEST_CASE("more than one turn's reads all arrive, with the end behind them") {
  PlainEnds ends;
  const auto all = some_bytes(kMany);
  std::size_t sent = 0;
  ends.loop.run_until([&] {
    sent += ends.peer.send(std::string_view(all).substr(sent));
    if (sent == all.size()) ends.peer.half_close();
    return ends.events.end.has_value();
  });
  CHECK(ends.events.end == StreamEnd::clean);
  CHECK(ends.events.data == all);
}

TEST_CASE("a stream with much to read lets others have their turn after kReadsPerTurn reads") {
  WatchedLoop loop;
  event::StreamBuffers buffers;
  std::string turns; // who was given data, in order
  struct End {
    Recorder events;
    std::unique_ptr<BarePeer> peer;
    std::unique_ptr<Stream> stream;
    std::size_t left = kMany;
  };
  std::array<End, 2> both;
  for (std::size_t i = 0; i < both.size(); ++i) {
    auto sockets = connected_sockets();
    both[i].peer = std::make_unique<BarePeer>(std::move(sockets.client));
    both[i].events.when_data = [&turns, i](core::Bytes) { turns += static_cast<char>('a' + i); };
    both[i].stream =
        Stream::accepted(loop, buffers, std::move(sockets.server), both[i].events, nullptr);
  }
  const auto portion = some_bytes(std::size_t{256} * 1024);
  loop.run_until([&] {
    for (End& one : both) {
      one.left -= one.peer->send(std::string_view(portion).substr(0, one.left));
    }
    return both[0].left == 0 || both[1].left == 0;
  });
  std::size_t longest = 0;
  for (std::size_t i = 0; i < turns.size();) {
    const auto next = std::min(turns.find_first_not_of(turns[i], i), turns.size());
    if (next != turns.size()) longest = std::max(longest, next - i);
    i = next;
  }
  CHECK(longest > 0);
  // A stream may be first in one wake-up and last in the one before.
  CHECK(longest <= std::size_t{2} * Stream::kReadsPerTurn);
}

TEST_CASE("a paused stream raises nothing: neither data nor the end behind it") {
  PlainEnds ends;
  ends.stream->pause();
  CHECK(ends.stream->paused());
  ends.peer.send("held");
  ends.peer.half_close();
  ends.loop.settle();
  CHECK(ends.events.told.empty());
  ends.stream->resume();
  ends.wait_for_end();
  CHECK(ends.events.told == Told{"data", "end"});
  CHECK(ends.events.data == "held");
  CHECK(ends.events.end == StreamEnd::clean);
}

TEST_CASE("a pause from inside on_stream_data() holds the rest until resume()") {
  PlainEnds ends;
  ends.events.when_data = [&](core::Bytes) { ends.stream->pause(); };
  const auto all = some_bytes(std::size_t{3} * event::StreamBuffers::kReadBytes);
  std::size_t sent = 0;
  std::size_t calls = 0;
  while (ends.events.data.size() < all.size()) {
    sent += ends.peer.send(std::string_view(all).substr(sent));
    ends.loop.settle();
    ++calls;
    REQUIRE(static_cast<std::size_t>(ends.events.data_calls) <= calls);
    ends.stream->resume();
  }
  CHECK(ends.events.data == all);
}

TEST_CASE("pause() between resume() and the next wake-up still holds") {
  PlainEnds ends;
  ends.stream->pause();
  ends.peer.send("held");
  ends.loop.settle();
  ends.stream->resume();
  ends.stream->pause();
  ends.loop.settle();
  CHECK(ends.events.told.empty());
  ends.stream->resume();
  ends.loop.run_until([&] { return ends.events.data == "held"; });
}

// ---- the other side goes

TEST_CASE("a reset by the peer is told once, and nothing after it") {
  PlainEnds ends;
  ends.peer.reset();
  ends.wait_for_end();
  ends.stream->write(core::bytes_of("to nobody"));
  ends.stream->shut_down();
  ends.loop.settle();
  CHECK(ends.events.told == Told{"end"});
  CHECK(ends.events.end == StreamEnd::reset);
  CHECK(ends.events.why == "Connection reset by peer");
}

TEST_CASE("a reset after a clean end is told, once: what is still to be sent reaches nobody") {
  PlainEnds ends;
  ends.peer.half_close();
  ends.wait_for_end();
  ends.peer.reset();
  ends.loop.settle();
  ends.stream->write(core::bytes_of("to nobody"));
  ends.loop.settle();
  CHECK(ends.events.told == Told{"end", "end"});
  CHECK(ends.events.end == StreamEnd::reset);
  CHECK(ends.stream->pending() == 0);
}

TEST_CASE("a clean end whose reset comes in the same wake-up is told as both") {
  PlainEnds ends;
  ends.peer.half_close();
  ends.stream->write(core::bytes_of("something that it doesn't read"));
  ends.stream->flush();
  ends.peer.close(); // with bytes unread: RST behind the FIN
  ends.loop.run_until([&] { return std::ranges::count(ends.events.told, "end") == 2; });
  CHECK(ends.events.end == StreamEnd::reset);
}

TEST_CASE("after the peer's half-close the owner is still told that what it wrote has left") {
  PlainEnds ends;
  ends.peer.half_close();
  ends.wait_for_end();
  ends.stream->write(core::bytes_of(some_bytes(kMany)));
  ends.loop.run_until([&] {
    ends.peer.receive();
    return ends.events.drained == 1;
  });
  CHECK(ends.stream->pending() == 0);
}

TEST_CASE("where a reset overtakes, it is told to a paused stream at once") {
  PlainEnds ends;
  ends.stream->set_reset_overtakes();
  SECTION("that was paused before") {
    ends.stream->pause();
    ends.peer.send("dropped");
    ends.loop.settle();
  }
  SECTION("that is paused by what came before the reset") {
    ends.events.when_data = [&](core::Bytes) { ends.stream->pause(); };
    ends.peer.send(some_bytes(kMany));
  }
  SECTION("that notices it when it writes") {
    ends.stream->pause();
    ends.loop.settle();
    ends.stream->write(core::bytes_of(some_bytes(kMany)));
  }
  ends.peer.reset();
  ends.wait_for_end();
  CHECK(ends.events.end == StreamEnd::reset);
  ends.stream->resume();
  ends.loop.settle();
  CHECK(ends.events.told.back() == "end");
  CHECK(std::ranges::count(ends.events.told, "end") == 1);
}

TEST_CASE("a write to a peer that has answered and gone loses nothing of the answer") {
  PlainEnds ends;
  ends.stream->set_low_water(1000);
  ends.peer.send("413 too large");
  ends.peer.reset();
  ends.stream->write(
      core::bytes_of("the rest of a large request")); // fails before anything is read
  ends.stream->flush();
  CHECK(ends.events.told.empty());
  CHECK(ends.stream->pending() == 0);
  ends.wait_for_end();
  CHECK(ends.events.told == Told{"data", "end"});
  CHECK(ends.events.data == "413 too large");
  CHECK(ends.events.end == StreamEnd::reset);
}

TEST_CASE(
    "a paused stream whose peer has gone drops what waits, says so, and ends after resume()") {
  PlainEnds ends;
  ends.stream->write(core::bytes_of(some_bytes(kMany)));
  ends.loop.settle();
  REQUIRE(ends.stream->pending() > 0);
  ends.stream->pause();
  ends.peer.send("held");
  ends.peer.reset();
  ends.loop.run_until([&] { return ends.events.drained > 0; });
  CHECK(ends.stream->pending() == 0);
  ends.stream->write(core::bytes_of("dropped"));
  CHECK(ends.stream->pending() == 0);
  ends.loop.settle();
  CHECK(ends.events.told == Told{"drained"});
  ends.stream->resume();
  ends.wait_for_end();
  CHECK(ends.events.end == StreamEnd::reset);
  CHECK_FALSE(ends.stream->fully_sent());
}

// ---- ending

TEST_CASE("after the peer's half-close, writing and shut_down() still work") {
  PlainEnds ends;
  ends.peer.half_close();
  ends.wait_for_end();
  const auto answer = some_bytes(kMany);
  ends.stream->write(core::bytes_of(answer));
  ends.stream->shut_down();
  ends.loop.run_until([&] {
    ends.peer.receive();
    return ends.peer.ended;
  });
  CHECK(ends.peer.received == answer);
  CHECK(ends.stream->fully_sent());
  CHECK(ends.events.told == Told{"end", "drained"});
}

TEST_CASE("after shut_down() the peer's data still arrive, then its end") {
  PlainEnds ends;
  ends.stream->write(core::bytes_of("request"));
  ends.stream->shut_down();
  ends.stream->write(core::bytes_of("too late"));
  ends.loop.run_until([&] {
    ends.peer.receive();
    return ends.peer.ended;
  });
  CHECK(ends.peer.received == "request");
  ends.peer.send("answer");
  ends.peer.close();
  ends.wait_for_end();
  CHECK(ends.events.told == Told{"drained", "data", "end"});
  CHECK(ends.events.data == "answer");
  CHECK(ends.events.end == StreamEnd::clean);
}

TEST_CASE("the FIN of shut_down() leaves behind everything that waits") {
  PlainEnds ends;
  const auto all = some_bytes(kMany);
  ends.stream->write(core::bytes_of(all));
  ends.stream->shut_down();
  ends.loop.settle();
  REQUIRE(ends.stream->pending() > 0);
  CHECK_FALSE(ends.stream->fully_sent());
  CHECK(ends.events.drained == 0);
  ends.loop.run_until([&] {
    ends.peer.receive();
    return ends.peer.ended;
  });
  CHECK(ends.peer.received == all);
  CHECK(ends.stream->fully_sent());
  CHECK(ends.events.drained == 1);
}

TEST_CASE("abort() resets the connection and raises nothing") {
  PlainEnds ends;
  ends.stream->write(core::bytes_of("never sent"));
  ends.stream->abort();
  CHECK(ends.stream->closed());
  ends.loop.run_until([&] {
    ends.peer.receive();
    return ends.peer.broken;
  });
  CHECK(ends.peer.received.empty());
  CHECK(ends.events.told.empty());
}

TEST_CASE("close() drops what waits, gives its memory back, and raises nothing") {
  PlainEnds ends;
  ends.peer.send("unread");
  ends.stream->write(core::bytes_of(some_bytes(kMany)));
  ends.stream->close();
  CHECK(ends.stream->pending() == 0);
  CHECK(ends.buffers.pool.in_use() == 0);
  ends.stream->write(core::bytes_of("more"));
  ends.stream->shut_down();
  ends.stream->abort();
  ends.stream->resume();
  ends.loop.settle();
  CHECK(ends.events.told.empty());
}

TEST_CASE("a stream may be closed and retired from inside any of its events") {
  WatchedLoop loop;
  event::StreamBuffers buffers;
  auto events = std::make_unique<Recorder>();
  auto sockets = connected_sockets();
  BarePeer peer(std::move(sockets.server));
  auto stream = Stream::connecting(loop, buffers, std::move(sockets.client), *events, nullptr);
  bool gone = false;
  const auto go = [&] {
    stream->close();
    loop.retire(std::move(stream));
    gone = true;
  };
  SECTION("on_stream_open") {
    events->when_open = go;
    peer.send("more to come");
  }
  SECTION("on_stream_data") {
    events->when_data = [&](core::Bytes) { go(); };
    peer.send("some");
    peer.half_close();
  }
  SECTION("on_stream_data, with more behind it") {
    events->when_data = [&](core::Bytes) { go(); };
    peer.send(some_bytes(kMany));
  }
  SECTION("on_stream_drained") {
    events->when_drained = go;
    stream->write(core::bytes_of("some"));
    stream->shut_down();
    peer.send("some");
  }
  SECTION("on_stream_end") {
    events->when_ended = go;
    peer.reset();
  }
  loop.run_until([&] { return gone; });
  CHECK_FALSE(stream);
  const auto told = events->told;
  loop.settle();
  CHECK(events->told == told);
}

// ---- writing

TEST_CASE("writes of one wake-up leave together, at its end") {
  PlainEnds ends;
  for (const std::string_view part : {"a", "b", "c"}) ends.stream->write(core::bytes_of(part));
  ends.peer.receive();
  CHECK(ends.peer.received.empty());
  CHECK(ends.stream->pending() == 3);
  ends.loop.run_until([&] {
    ends.peer.receive();
    return !ends.peer.received.empty();
  });
  CHECK(ends.peer.received == "abc");
  CHECK(ends.stream->pending() == 0);
}

TEST_CASE("flush() sends at once") {
  PlainEnds ends;
  ends.stream->write(core::bytes_of("now"));
  ends.stream->flush();
  CHECK(ends.stream->pending() == 0);
  CHECK(ends.events.told == Told{"drained"});
}

TEST_CASE("on_stream_drained() comes once pending() was above the low water and is no longer") {
  PlainEnds ends;
  ends.stream->set_low_water(1000);
  ends.stream->write(core::bytes_of(some_bytes(1000)));
  ends.loop.settle();
  CHECK(ends.events.drained == 0); // never above
  ends.stream->write(core::bytes_of(some_bytes(1001)));
  ends.loop.settle();
  CHECK(ends.events.drained == 1);
  ends.loop.settle();
  CHECK(ends.events.drained == 1);
}

TEST_CASE("a low water that is set below what already waits is told of") {
  PlainEnds ends;
  ends.stream->set_low_water(kMany * 2);
  ends.stream->write(core::bytes_of(some_bytes(kMany)));
  ends.loop.settle();
  REQUIRE(ends.stream->pending() > 0);
  ends.stream->set_low_water(10);
  CHECK(ends.events.drained == 0);
  ends.loop.run_until([&] {
    ends.peer.receive();
    return ends.events.drained > 0;
  });
  CHECK(ends.stream->pending() <= 10);
}

TEST_CASE("an owner that stops at its limit holds no more than that for a peer that doesn't read") {
  PlainEnds ends;
  constexpr std::size_t kHigh = std::size_t{128} * 1024;
  constexpr std::size_t kPortion = std::size_t{16} * 1024;
  const auto portion = some_bytes(kPortion);
  ends.stream->set_low_water(kHigh / 4);
  std::size_t written = 0;
  std::size_t most = 0;
  const auto fill = [&] {
    while (ends.stream->pending() < kHigh && written < 4 * kMany) {
      ends.stream->write(core::bytes_of(portion));
      written += portion.size();
      most = std::max(most, ends.stream->pending());
    }
  };
  ends.events.when_drained = fill;
  fill();
  ends.loop.settle();
  CHECK(written < 4 * kMany); // the peer's silence was felt
  ends.loop.run_until([&] {
    ends.peer.receive();
    return ends.peer.received.size() == 4 * kMany;
  });
  CHECK(most <= kHigh + kPortion);
  CHECK(ends.buffers.pool.in_use() == 0);
}

TEST_CASE("a producer that always has more, and a peer that always reads, don't hold up the loop") {
  PlainEnds ends;
  const auto portion = some_bytes(1000);
  bool stopped = false;
  // The peer reads inside the producer's own event: the socket never fills.
  ends.events.when_drained = [&] {
    ends.peer.receive();
    ends.peer.received.clear();
    if (!stopped) ends.stream->write(core::bytes_of(portion));
  };
  ends.stream->write(core::bytes_of(portion));
  ends.loop.settle(); // gets its turns nevertheless
  stopped = true;
  CHECK(ends.events.drained > 50);
}

} // namespace
