#include "libcore/tls/session.h"

#include <openssl/err.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/unit/libcore/tls/session_pair.h"

namespace {

using tls::Status;

const std::shared_ptr<tls::ServerContext>& context() {
  static const auto made =
      server_context(certificate_for(issue("a.example", nullptr, false, "DNS:a.example")));
  return made;
}

bssl::UniquePtr<SSL> client_ssl(std::uint16_t version = TLS1_3_VERSION) {
  static const auto clients = client_context();
  auto ssl = only(clients->connect("server", "a.example"), version);
  SSL_set_session(ssl.get(), nullptr); // a full handshake each time
  return ssl;
}

struct Connected : SessionPair {
  explicit Connected(std::uint16_t version = TLS1_3_VERSION,
                     std::size_t portion_size = std::string::npos)
      : SessionPair(context(), client_ssl(version), portion_size) {
    exchange();
    REQUIRE(connected());
  }
};

std::string some_text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

// ---- feeding

TEST_CASE("handshake and data cross in portions of any size, byte by byte too") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  const auto portion =
      GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::string::npos);
  Connected pair(version, portion);
  const auto up = some_text(5000);
  const auto down = some_text(70'000);
  pair.client.write(up);
  pair.server.write(down);
  pair.exchange();
  CHECK(pair.server.received == up);
  CHECK(pair.client.received == down);
  CHECK_FALSE(pair.server.session.has_input());
  CHECK(pair.pool.in_use() == 0);
}

TEST_CASE("write() takes all, in records of at most 16 KiB, and nothing at all makes none") {
  Connected pair;
  pair.client.write("");
  CHECK(pair.client.output.empty());
  const auto text = some_text(std::size_t{1} << 20);
  pair.client.write(text);
  constexpr std::size_t kRecords = 64;
  constexpr std::size_t kOverhead = 5 + 1 + 16; // header, type, tag (RFC 8446 5.2)
  CHECK(pair.client.output.size() == text.size() + kRecords * kOverhead);
  pair.exchange();
  CHECK(pair.server.received == text);
}

TEST_CASE("handshake_done(), version, name and protocol are known after the handshake") {
  SessionPair pair(context(), client_ssl(TLS1_2_VERSION));
  CHECK_FALSE(pair.server.session.handshake_done());
  CHECK(pair.server.session.handshake() == Status::want_input);
  pair.exchange();
  CHECK(pair.server.session.handshake_done());
  CHECK(pair.server.session.version() == std::string("TLSv1.2"));
  CHECK(pair.server.session.server_name() == "a.example");
  CHECK(pair.server.session.alpn().empty());
  CHECK(pair.server.session.failure().empty());
}

TEST_CASE("keep_rest() keeps what was not taken, so that the lent bytes may go") {
  Connected pair;
  const auto text = some_text(3000);
  pair.client.write(text.substr(0, 1000));
  pair.client.write(text.substr(1000, 1000));
  pair.client.write(text.substr(2000));
  std::string ciphertext = drain(pair.client.output);
  const std::string later = ciphertext.substr(2500);
  ciphertext.resize(2500);

  pair.server.session.feed(core::bytes_of(ciphertext));
  std::array<std::uint8_t, 1000> room;
  REQUIRE(pair.server.session.read(room).size == 1000);
  CHECK(pair.server.session.has_input());
  pair.server.session.keep_rest();
  CHECK(pair.server.session.has_input());
  std::ranges::fill(ciphertext, '\xee'); // what was lent is gone
  CHECK(pair.pool.in_use() == 1);

  pair.server.received = text.substr(0, 1000);
  SECTION("read before the next feed()") {
    CHECK(pair.server.read_all() == Status::want_input);
    CHECK_FALSE(pair.server.session.has_input());
    CHECK(pair.pool.in_use() == 0);
    CHECK(pair.server.take(later) == Status::want_input);
  }
  SECTION("fed on top") { CHECK(pair.server.take(later) == Status::want_input); }
  CHECK(pair.server.received == text);
  CHECK(pair.pool.in_use() == 0);
}

TEST_CASE("keep_rest() with nothing left keeps nothing") {
  Connected pair;
  pair.client.write("text");
  CHECK(pair.server.take(drain(pair.client.output)) == Status::want_input);
  pair.server.session.keep_rest();
  CHECK_FALSE(pair.server.session.has_input());
  CHECK(pair.pool.in_use() == 0);
}

// ---- ending

TEST_CASE("close_notify shows as closed behind all data, for good; the other direction goes on") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  Connected pair(version);
  pair.client.write("last words");
  pair.client.session.shut_down();
  CHECK(pair.server.take(drain(pair.client.output)) == Status::closed);
  CHECK(pair.server.received == "last words");
  CHECK(pair.server.take("anything") == Status::closed);
  CHECK_FALSE(pair.server.session.has_input());
  CHECK(pair.server.session.failure().empty());
  if (version == TLS1_3_VERSION) { // RFC 8446 6.1: each direction by itself
    pair.server.write("answer");
    CHECK(pair.client.take(drain(pair.server.output)) == Status::want_input);
    CHECK(pair.client.received == "answer");
  }
}

TEST_CASE("a connection that is cut off shows no close: the session still wants input") {
  Connected pair;
  pair.client.write("half a rec");
  auto ciphertext = drain(pair.client.output);
  ciphertext.pop_back();
  CHECK(pair.server.take(ciphertext) == Status::want_input);
  CHECK(pair.server.received.empty());
}

TEST_CASE("shut_down() says nothing before the handshake's end, and close_notify once") {
  SessionPair early(context(), client_ssl());
  early.client.session.shut_down();
  CHECK(early.client.output.empty());

  Connected pair;
  pair.client.session.shut_down();
  const std::size_t once = pair.client.output.size();
  CHECK(once > 0);
  pair.client.session.shut_down();
  CHECK(pair.client.output.size() == once);
  CHECK(pair.client.session.write(core::bytes_of("too late")) == Status::failed);
  CHECK(pair.client.output.size() == once);
}

// ---- bad input

TEST_CASE("garbage instead of a handshake fails with the reason and an alert, and stays failed") {
  SessionPair pair(context(), client_ssl());
  CHECK(pair.server.take("GET / HTTP/1.1\r\n\r\n") == Status::failed);
  CHECK(pair.server.session.failure() == "HTTP_REQUEST");
  CHECK_FALSE(pair.server.session.has_input());
  CHECK(ERR_peek_error() == 0);

  SessionPair other(context(), client_ssl());
  CHECK(other.server.take(some_text(600)) == Status::failed);
  CHECK_FALSE(other.server.session.failure().empty());
  CHECK(drain(other.server.output).starts_with('\x15')); // alert (RFC 8446 5.1)
  REQUIRE(other.client.session.handshake() == Status::want_input);
  CHECK(other.server.take(drain(other.client.output)) == Status::failed);
  CHECK_FALSE(other.server.session.handshake_done());
}

TEST_CASE("a client fails as cleanly on what is no server") {
  SessionPair pair(context(), client_ssl());
  REQUIRE(pair.client.session.handshake() == Status::want_input);
  CHECK(pair.client.take("SSH-2.0-OpenSSH_9.2\r\n") == Status::failed);
  CHECK(pair.client.session.failure() == "WRONG_VERSION_NUMBER");
}

TEST_CASE(
    "any bit that is turned over in a record makes the session fail, and delivers none of it") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  std::size_t size = 1;
  for (std::size_t at = 0; at < size; ++at) {
    Connected pair(version);
    pair.client.write("secret");
    auto record = drain(pair.client.output);
    size = record.size();
    record[at] = static_cast<char>(record[at] ^ (1 << (at % 8)));
    const Status status = pair.server.take(record);
    CHECK(pair.server.received.empty());
    // A length that grew makes it wait for the rest.
    const bool in_length = at == 3 || at == 4;
    CHECK((status == Status::failed || (in_length && status == Status::want_input)));
    if (status != Status::failed) continue;
    CHECK_FALSE(pair.server.session.failure().empty());
    CHECK(pair.server.session.write(core::bytes_of("more")) == Status::failed);
    CHECK(pair.server.take("more") == Status::failed);
  }
}

TEST_CASE(
    "a ClientHello with any byte changed is refused, waited on or answered, but never harmful") {
  SessionPair first(context(), client_ssl());
  REQUIRE(first.client.session.handshake() == Status::want_input);
  const auto hello = drain(first.client.output);
  for (std::size_t at = 0; at < hello.size(); ++at) {
    SessionPair pair(context(), client_ssl());
    auto changed = hello;
    changed[at] = static_cast<char>(changed[at] ^ 0xff);
    const Status status = pair.server.take(changed);
    CHECK((status == Status::failed || status == Status::want_input));
    CHECK_FALSE(pair.server.session.handshake_done());
    CHECK((status == Status::failed) == !pair.server.session.failure().empty());
  }
}

TEST_CASE("a handshake message larger than any is refused without being collected") {
  SessionPair pair(context(), client_ssl());
  // A ClientHello that announces 16 MB (RFC 8446 4), in a record of 4 bytes.
  CHECK(pair.server.take(std::string_view("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9)) ==
        Status::failed);
  CHECK(pair.server.session.failure() == "EXCESSIVE_MESSAGE_SIZE");
}

} // namespace
