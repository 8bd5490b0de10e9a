#include "libcore/tls/failure_kind.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/libcore/tls/session_pair.h"

using tls::FailureKind;

namespace {

std::shared_ptr<tls::ServerContext> context() {
  auto certificate = tls::make_self_signed({"a.example"}, core::WallTime(std::chrono::seconds(0)));
  REQUIRE(certificate.has_value());
  return server_context(*std::move(certificate));
}

// What the server makes of this client.
FailureKind made_of(bssl::UniquePtr<SSL> client) {
  SessionPair pair(context(), std::move(client));
  pair.exchange();
  REQUIRE(pair.server_status == tls::Status::failed);
  return tls::failure_kind(pair.server.session.failure());
}

} // namespace

TEST_CASE("failed handshakes are told apart by what BoringSSL says of them") {
  const auto careless = client_context();
  CHECK(made_of(only(careless->connect("server", "a.example"), TLS1_1_VERSION)) ==
        FailureKind::version);

  auto weak = only(careless->connect("server", "a.example"), TLS1_2_VERSION);
  REQUIRE(SSL_set_strict_cipher_list(weak.get(), "AES128-SHA") == 1);
  CHECK(made_of(std::move(weak)) == FailureKind::cipher);

  const auto careful = client_context({.verify = true, .ca_file = ""});
  CHECK(made_of(only(careful->connect("server", "a.example"), TLS1_2_VERSION)) ==
        FailureKind::certificate);
  CHECK(made_of(only(careful->connect("server", "a.example"), TLS1_3_VERSION)) ==
        FailureKind::certificate);
}

TEST_CASE("what comes to a TLS port and is none is a kind of its own") {
  for (const std::string_view said :
       {"GET / HTTP/1.1\r\n\r\n", "\x16\xff\xff nonsense", "SSH-2.0-OpenSSH_9.2p1 Debian\r\n"}) {
    const auto careless = client_context();
    SessionPair pair(context(), careless->connect("server", "a.example"));
    CHECK(pair.server.take(said) == tls::Status::failed);
    CHECK(tls::failure_kind(pair.server.session.failure()) == FailureKind::not_tls);
  }
}

TEST_CASE("a failure that nobody has named is another") {
  CHECK(tls::failure_kind("BAD_DECRYPT") == FailureKind::other);
  CHECK(tls::failure_kind("") == FailureKind::other);
  CHECK(name_of(FailureKind::other) == "other");
}
