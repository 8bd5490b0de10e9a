#include "libcore/tls/datagram_session.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <random>

#include "libcore/tls/hello_numbers.h"
#include "tests/unit/libcore/tls/datagram_ends.h"

using Texts = std::vector<std::string>;

TEST_CASE("RFC 6347 4.2.1: a client is asked for its cookie once, and then served") {
  REQUIRE(tls::dtls_is_served());
  DatagramEnds ends;
  ends.connect();
  CHECK(ends.connected());
  CHECK(ends.server.asked == 1);
  CHECK(SSL_version(ends.client.ssl()) == DTLS1_2_VERSION);

  ends.client.write("up");
  ends.client.write("and more");
  ends.carry();
  CHECK(ends.server.received == Texts{"up", "and more"});
  REQUIRE(ends.server.session->write(core::bytes_of("down")) == tls::Status::ok);
  ends.carry();
  CHECK(ends.client.received == Texts{"down"});
}

TEST_CASE("RFC 6347 4.2.1: ServerHello goes on with the numbers of the hello that it answers") {
  DatagramEnds ends;
  ends.client.handshake();
  ends.server.receive(ends.to_server.front()); // the first hello
  ends.client.receive(ends.to_client.front()); // HelloVerifyRequest
  ends.to_client.clear();
  const Datagram hello = ends.to_server.back();
  const auto parsed = tls::parse_client_hello(hello);
  REQUIRE(parsed);
  CHECK(parsed->message_sequence == 1);
  ends.server.receive(hello);
  const Datagram answer = ends.to_client.front();
  CHECK(core::load16(&answer[3]) == 0); // epoch
  CHECK(core::load32(&answer[7]) == parsed->record_sequence);
  CHECK(answer[13] == 2);                // ServerHello
  CHECK(core::load16(&answer[17]) == 1); // its message sequence
}

TEST_CASE("a handshake's datagrams are no longer than the MTU, and carry whole certificates") {
  DatagramEnds ends;
  ends.client.handshake();
  std::size_t longest = 0;
  while (!ends.to_server.empty() || !ends.to_client.empty()) {
    for (const auto* queue : {&ends.to_server, &ends.to_client}) {
      for (const Datagram& each : *queue) longest = std::max(longest, each.size());
    }
    if (!ends.to_server.empty()) {
      ends.server.receive(ends.to_server.front());
      ends.to_server.pop_front();
    }
    if (!ends.to_client.empty()) {
      ends.client.receive(ends.to_client.front());
      ends.to_client.pop_front();
    }
  }
  CHECK(ends.connected());
  CHECK(longest <= tls::DatagramSession::kMtu);
}

TEST_CASE("RFC 6347 4.2.4: a handshake comes about over a link that loses every third datagram") {
  const int seed = GENERATE(range(0, 40));
  std::minstd_rand random(static_cast<unsigned>(seed) + 1);
  DatagramEnds ends;
  ends.client.handshake();
  for (int round = 0; round < 100 && !ends.connected(); ++round) {
    ends.carry([&] { return random() % 3 == 0; });
    if (!ends.connected()) ends.let_time_pass();
  }
  CAPTURE(seed);
  REQUIRE(ends.connected());
  ends.carry();
  ends.client.write("up");
  ends.carry();
  CHECK(ends.server.received == Texts{"up"});
}

TEST_CASE("a handshake comes about over a link that repeats and reorders") {
  const int seed = GENERATE(range(0, 40));
  std::minstd_rand random(static_cast<unsigned>(seed) + 1);
  DatagramEnds ends;
  ends.client.handshake();
  const auto disturb = [&](std::deque<Datagram>& queue) {
    std::ranges::shuffle(queue, random);
    if (!queue.empty() && random() % 2 == 0) queue.push_back(queue.front());
  };
  for (int round = 0; round < 200 && !ends.connected(); ++round) {
    disturb(ends.to_server);
    disturb(ends.to_client);
    if (ends.to_server.empty() && ends.to_client.empty()) {
      ends.let_time_pass();
      continue;
    }
    for (auto all = std::exchange(ends.to_server, {}); const Datagram& each : all) {
      ends.server.receive(each);
    }
    for (auto all = std::exchange(ends.to_client, {}); const Datagram& each : all) {
      ends.client.receive(each);
    }
  }
  CAPTURE(seed);
  CHECK(ends.connected());
}

TEST_CASE("RFC 6347 4.1.2.6: a record that comes twice counts once, a changed one not at all") {
  DatagramEnds ends;
  ends.connect();
  ends.client.write("once");
  const Datagram record = ends.to_server.front();
  ends.to_server.clear();
  Datagram changed = record;
  changed.back() ^= 1;
  ends.server.receive(changed);
  CHECK(ends.server.received.empty());
  CHECK(ends.server.status == tls::Status::want_input);
  ends.server.receive(record);
  ends.server.receive(record);
  CHECK(ends.server.received == Texts{"once"});
}

TEST_CASE("several records of one datagram are several payloads") {
  DatagramEnds ends;
  ends.connect();
  Datagram all;
  for (const auto* text : {"one", "two", "three"}) {
    ends.client.write(text);
    all.insert(all.end(), ends.to_server.front().begin(), ends.to_server.front().end());
    ends.to_server.clear();
  }
  std::vector<core::MutableBytes> payloads; // still there after the call
  CHECK(ends.server.session->receive(all, [&](core::MutableBytes payload) {
    payloads.push_back(payload);
    return true;
  }) == tls::Status::want_input);
  REQUIRE(payloads.size() == 3);
  CHECK(core::text_of(payloads[0]) == "one");
  CHECK(core::text_of(payloads[1]) == "two");
  CHECK(core::text_of(payloads[2]) == "three");
}

TEST_CASE("a hello of another handshake is told from the one that a session began with") {
  DatagramEnds ends;
  ends.connect();
  auto* const first = ends.server.session.get();
  DatagramClient again(ends.to_server); // the client has come back at its old address
  again.handshake();
  ends.server.receive(ends.to_server.front());
  CHECK(ends.server.asked == 2);
  CHECK(ends.server.session.get() == first); // nothing is lost to whoever says hello
  ends.to_server.clear();
  again.receive(ends.to_client.back());
  ends.to_client.clear();
  ends.server.receive(ends.to_server.back());
  CHECK(ends.server.session.get() != first);
}

TEST_CASE("close_notify ends a session, from either side") {
  DatagramEnds ends;
  ends.connect();
  SSL_shutdown(ends.client.ssl());
  ends.carry();
  CHECK(ends.server.status == tls::Status::closed);

  DatagramEnds other;
  other.connect();
  other.server.session->shut_down();
  other.carry();
  CHECK((SSL_get_shutdown(other.client.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
}

TEST_CASE("a payload longer than a record is refused, and the session lives on") {
  DatagramEnds ends;
  ends.connect();
  const std::vector<std::uint8_t> longest(tls::DatagramSession::kMaxPayload);
  const std::vector<std::uint8_t> longer(tls::DatagramSession::kMaxPayload + 1);
  CHECK(ends.server.session->write(longer) == tls::Status::failed);
  CHECK(ends.server.session->write(longest) == tls::Status::ok);
}

TEST_CASE("RFC 7443: DTLS agrees on stun.turn as TLS does") {
  DatagramEnds ends({.alpn = {"stun.turn"}});
  const std::string offered = "\x09stun.turn";
  SSL_set_alpn_protos(ends.client.ssl(), reinterpret_cast<const std::uint8_t*>(offered.data()),
                      offered.size());
  ends.connect();
  CHECK(ends.server.session->alpn() == "stun.turn");
}

TEST_CASE("a client that never answers is given up") {
  DatagramEnds ends;
  ends.client.handshake();
  ends.server.receive(ends.to_server.front());
  ends.client.receive(ends.to_client.front());
  ends.server.receive(ends.to_server.back());
  for (int i = 0; i < 20 && ends.server.status != tls::Status::failed; ++i) {
    REQUIRE(ends.server.session->retransmit_in());
    virtual_time += *ends.server.session->retransmit_in();
    ends.server.status = ends.server.session->retransmit();
  }
  CHECK(ends.server.status == tls::Status::failed);
}
