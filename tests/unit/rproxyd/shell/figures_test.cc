#include "rproxyd/shell/figures.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace rproxyd;
using namespace std::chrono_literals;

TEST_CASE("an exchange is counted where it was served") {
  WorkerFigures figures;
  for (int i = 0; i < 3; ++i) figures.note_request(Version::http_2);
  CHECK(figures.exchanges_open == 3);
  figures.note({.served_by = ServedBy::pool, .pool = "nodes", .status = 502, .whole = 5ms});
  figures.note({.served_by = ServedBy::redirect, .status = 302, .first_byte = 1ms, .whole = 1ms});
  CHECK(figures.exchanges_open == 1);
  CHECK(figures.requests() == 2);
  CHECK(figures.server_errors() == 1);
  CHECK(figures.pool("nodes").exchanges.whole.count() == 1);
  CHECK(figures.pool("nodes").exchanges.first_byte.count() == 0);
  CHECK(figures.first_byte().count() == 1);
  CHECK(figures.requests_by_version[2] == 3);
}

TEST_CASE("how long an event stream was open is nobody's latency") {
  WorkerFigures figures;
  figures.note_request(Version::http_1_1);
  figures.lasting_open[static_cast<std::size_t>(Lasting::event_stream)] = 1;
  figures.note({.served_by = ServedBy::pool,
                .pool = "nodes",
                .status = 200,
                .lasting = Lasting::event_stream,
                .first_byte = 10ms,
                .whole = 1h});
  CHECK(figures.pool("nodes").exchanges.whole.count() == 0);
  CHECK(figures.pool("nodes").exchanges.first_byte.count() == 1);
  CHECK(figures.lasting_open[static_cast<std::size_t>(Lasting::event_stream)] == 0);
}

TEST_CASE("reloads with ever other pools and listeners don't make more and more figures") {
  WorkerFigures figures;
  for (int i = 0; i < 1000; ++i) {
    ++figures.pool(std::to_string(i)).retries;
    ++figures.listener(std::to_string(i)).accepted;
  }
  CHECK(figures.pools.size() == WorkerFigures::kMaxPools + 1);
  CHECK(figures.listeners.size() == WorkerFigures::kMaxListeners + 1);
  CHECK(figures.pool("999").retries == 1000 - WorkerFigures::kMaxPools); // the others' sum
}

TEST_CASE("a connection is open as what it turned out to be, until it is gone") {
  WorkerFigures figures;
  ListenerFigures& listener = figures.listener("127.0.0.1:443");
  const auto open = [&](ConnectionKind kind) {
    return figures.connections_open[static_cast<std::size_t>(kind)];
  };
  {
    CountedConnection connection(figures, listener);
    CHECK(open(ConnectionKind::opening) == 1);
    connection.is(ConnectionKind::http_2);
    CHECK(open(ConnectionKind::opening) == 0);
    CHECK(open(ConnectionKind::http_2) == 1);
    CHECK(listener.open == 1);
  }
  CHECK(figures.connections() == 0);
  CHECK(listener.open == 0);
  CHECK(listener.accepted == 1);
}

TEST_CASE("workers' figures add up") {
  WorkerFigures one;
  one.pool("nodes").retries = 2;
  one.listener("a").open = 3;
  one.listener("a").listening = true;
  one.clients.sent = 10;
  one.kept.push_back({.pool = "nodes", .backend = "x"});
  WorkerFigures sum;
  sum += one;
  sum += one;
  CHECK(sum.pool("nodes").retries == 4);
  CHECK(sum.listener("a").open == 6);
  CHECK(sum.listener("a").listening);
  CHECK(sum.clients.sent == 20);
  CHECK(sum.kept.size() == 2);
}
