#include "libcore/tls/server_context.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "libcore/base/address.h"
#include "tests/unit/libcore/tls/session_pair.h"

namespace {

std::string names_of(const SSL* client) {
  const bssl::UniquePtr<X509> seen(SSL_get_peer_certificate(client));
  REQUIRE(seen);
  std::array<char, 256> text{};
  X509_NAME_oneline(X509_get_subject_name(seen.get()), text.data(), static_cast<int>(text.size()));
  return std::string(text.data()).substr(std::string("/CN=").size());
}

// The common name of the certificate that a client with this SNI is shown.
std::string shown_to(const std::shared_ptr<tls::ServerContext>& context, const std::string& sni,
                     std::uint16_t version = TLS1_3_VERSION) {
  const auto clients = client_context();
  SessionPair pair(context, only(clients->connect("server", sni), version));
  pair.exchange();
  REQUIRE(pair.connected());
  CHECK(pair.server.session.server_name() == (core::IpAddress::parse(sni) ? "" : sni));
  return names_of(pair.client.ssl);
}

tls::Certificate certificate(const std::string& common_name, const std::string& names) {
  return certificate_for(issue(common_name, nullptr, false, names));
}

std::vector<tls::Certificate> several() {
  std::vector<tls::Certificate> all;
  all.push_back(certificate("first", "DNS:first.example"));
  all.push_back(certificate("wild", "DNS:*.example"));
  all.push_back(certificate("second", "DNS:second.example,DNS:Also.Second.Example"));
  return all;
}

// ---- which certificate

TEST_CASE(
    "the certificate is the one that names the client's SNI, whatever its case (RFC 6066 3)") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  const auto context = server_context(several());
  CHECK(shown_to(context, "first.example", version) == "first");
  CHECK(shown_to(context, "also.second.example", version) == "second");
  CHECK(shown_to(context, "Second.EXAMPLE", version) == "second");
}

TEST_CASE(
    "a name that stands in a certificate goes before a wildcard, in whatever order they come") {
  CHECK(shown_to(server_context(several()), "second.example") == "second");
}

TEST_CASE("a wildcard stands for one label, the left-most and whole (RFC 6125 6.4.3)") {
  const auto context = server_context(several());
  CHECK(shown_to(context, "third.example") == "wild");
  CHECK(shown_to(context, "deep.third.example") == "first");
  CHECK(shown_to(context, "example") == "first");
  CHECK(shown_to(context, "third.example.org") == "first");
}

TEST_CASE("a client whose name matches none, or that sends none, gets the first certificate") {
  const auto context = server_context(several());
  CHECK(shown_to(context, "elsewhere.org") == "first");
  CHECK(shown_to(context, "") == "first");
  CHECK(shown_to(context, "192.0.2.1") == "first");
}

TEST_CASE("RSA and ECDSA side by side: a client gets the one that it can check") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  std::vector<tls::Certificate> both;
  both.push_back(
      certificate_for(issue("rsa", nullptr, false, "DNS:a.example", {}, fresh_rsa_key())));
  both.push_back(certificate("ecdsa", "DNS:a.example"));
  both.push_back(certificate("other", "DNS:b.example"));
  const auto context = server_context(both);
  const auto shown = [&](const std::string& sni, bool ecdsa) {
    const auto clients = client_context();
    auto ssl = only(clients->connect("server", sni), version);
    const std::array<std::uint16_t, 1> rsa_only{SSL_SIGN_RSA_PSS_RSAE_SHA256};
    if (!ecdsa) {
      REQUIRE(SSL_set_verify_algorithm_prefs(ssl.get(), rsa_only.data(), rsa_only.size()) == 1);
    }
    SessionPair pair(context, std::move(ssl));
    pair.exchange();
    return pair.connected() ? names_of(pair.client.ssl) : pair.server.session.failure();
  };
  CHECK(shown("a.example", true) == "ecdsa");
  CHECK(shown("a.example", false) == "rsa");
  CHECK(shown("", true) == "ecdsa");
  CHECK(shown("", false) == "rsa");
  CHECK(shown("b.example", true) == "other");
}

TEST_CASE("a TLS 1.2 client whose suites are for RSA gets the RSA certificate") {
  std::vector<tls::Certificate> both;
  both.push_back(certificate("ecdsa", "DNS:a.example"));
  both.push_back(
      certificate_for(issue("rsa", nullptr, false, "DNS:a.example", {}, fresh_rsa_key())));
  const auto context = server_context(both);
  const auto clients = client_context();
  auto ssl = only(clients->connect("server", "a.example"), TLS1_2_VERSION);
  REQUIRE(SSL_set_strict_cipher_list(ssl.get(), "ECDHE-RSA-AES128-GCM-SHA256") == 1);
  SessionPair pair(context, std::move(ssl));
  pair.exchange();
  REQUIRE(pair.connected());
  CHECK(names_of(pair.client.ssl) == "rsa");
}

TEST_CASE("an OCSP response is stapled for clients that ask for one (RFC 6066 8)") {
  auto with_response = certificate("a", "DNS:a.example");
  with_response.ocsp_response = {1, 2, 3, 4};
  const auto context = server_context(std::move(with_response));
  const auto clients = client_context();
  auto ssl = clients->connect("server", "a.example");
  SSL_enable_ocsp_stapling(ssl.get());
  SessionPair pair(context, std::move(ssl));
  pair.exchange();
  REQUIRE(pair.connected());
  const std::uint8_t* response = nullptr;
  std::size_t size = 0;
  SSL_get0_ocsp_response(pair.client.ssl, &response, &size);
  CHECK(std::vector<std::uint8_t>(response, response + size) ==
        std::vector<std::uint8_t>{1, 2, 3, 4});
}

TEST_CASE("the client is sent the intermediates, in their order") {
  const Issued root = issue("Root", nullptr, true);
  const Issued above = issue("Above", &root, true);
  const Issued below = issue("Below", &above, true);
  const Issued server = issue("a.example", &below, false, "DNS:a.example");
  const auto clients = client_context();
  SessionPair pair(server_context(certificate_for(server, {&below, &above})),
                   clients->connect("server", "a.example"));
  pair.exchange();
  STACK_OF(X509)* sent = SSL_get_peer_cert_chain(pair.client.ssl);
  REQUIRE(sk_X509_num(sent) == 3);
  CHECK(X509_cmp(sk_X509_value(sent, 0), server.certificate.get()) == 0);
  CHECK(X509_cmp(sk_X509_value(sent, 1), below.certificate.get()) == 0);
  CHECK(X509_cmp(sk_X509_value(sent, 2), above.certificate.get()) == 0);
}

TEST_CASE("a listener without a certificate is refused") {
  const auto refused = tls::ServerContext::make({}, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text == "a TLS listener needs a certificate");
}

// ---- ALPN

std::string agreed(const std::vector<std::string>& ours, std::string_view theirs) {
  const auto clients = client_context();
  auto ssl = clients->connect("server", "a.example");
  if (!theirs.empty()) {
    const auto bytes = core::bytes_of(theirs);
    REQUIRE(SSL_set_alpn_protos(ssl.get(), bytes.data(), static_cast<unsigned>(bytes.size())) == 0);
  }
  SessionPair pair(server_context(certificate("a", "DNS:a.example"),
                                  {.min_version = TLS1_2_VERSION, .alpn = ours}),
                   std::move(ssl));
  pair.exchange();
  REQUIRE(pair.connected());
  CHECK(pair.client.session.alpn() == pair.server.session.alpn());
  return std::string(pair.server.session.alpn());
}

TEST_CASE("of the protocols that both speak, the server's favourite is agreed on (RFC 7301 3.2)") {
  using namespace std::string_literals;
  CHECK(agreed({"h2", "http/1.1"}, "\x08http/1.1\x02h2"s) == "h2");
  CHECK(agreed({"h2", "http/1.1"}, "\x08http/1.1"s) == "http/1.1");
  CHECK(agreed({"http/1.1"}, "\x02h2\x08http/1.1"s) == "http/1.1");
}

TEST_CASE("a client that offers no protocol, or only others, is served without one") {
  using namespace std::string_literals;
  CHECK(agreed({"h2", "http/1.1"}, "").empty());
  CHECK(agreed({"h2", "http/1.1"}, "\x09stun.turn"s).empty()); // RFC 7443, on the web's port
  CHECK(agreed({}, "\x02h2"s).empty());
}

// ---- versions and ciphers

TEST_CASE("TLS 1.2 and 1.3 are spoken, and nothing older") {
  const auto context = server_context(certificate("a", "DNS:a.example"));
  const auto clients = client_context();
  for (const std::uint16_t version : std::array<std::uint16_t, 2>{TLS1_2_VERSION, TLS1_3_VERSION}) {
    SessionPair pair(context, only(clients->connect("server", "a.example"), version));
    pair.exchange();
    CHECK(pair.connected());
    CHECK(pair.server.session.version() ==
          std::string(version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"));
  }
  for (const std::uint16_t version : std::array<std::uint16_t, 2>{TLS1_VERSION, TLS1_1_VERSION}) {
    SessionPair pair(context, only(clients->connect("server", "a.example"), version));
    pair.exchange();
    CHECK(pair.server_status == tls::Status::failed);
    CHECK(pair.server.session.failure() == "UNSUPPORTED_PROTOCOL");
    CHECK(pair.client_status == tls::Status::failed);
    CHECK(pair.client.session.failure() == "TLSV1_ALERT_PROTOCOL_VERSION");
  }
}

TEST_CASE("a policy of TLS 1.3 alone refuses 1.2") {
  const auto context = server_context(certificate("a", "DNS:a.example"),
                                      {.min_version = TLS1_3_VERSION, .alpn = {}});
  const auto clients = client_context();
  SessionPair refused(context, only(clients->connect("server", "a.example"), TLS1_2_VERSION));
  refused.exchange();
  CHECK(refused.server.session.failure() == "UNSUPPORTED_PROTOCOL");
  SessionPair pair(context, clients->connect("server", "a.example"));
  pair.exchange();
  CHECK(pair.connected());
}

TEST_CASE("a context tells which certificates it has and until when") {
  const auto context = server_context(certificate("a", "DNS:a.example"));
  REQUIRE(context->certificates().size() == 1);
  CHECK(context->certificates()[0].names == std::vector<std::string>{"a.example"});
  CHECK(context->certificates()[0].not_after > core::WallTime{});
}

TEST_CASE("TLS 1.2 is spoken with forward secrecy and AEAD only") {
  const auto context = server_context(certificate("a", "DNS:a.example"));
  const auto clients = client_context();
  const auto with_cipher = [&](const char* cipher) {
    auto ssl = only(clients->connect("server", "a.example"), TLS1_2_VERSION);
    REQUIRE(SSL_set_strict_cipher_list(ssl.get(), cipher) == 1);
    SessionPair pair(context, std::move(ssl));
    pair.exchange();
    return pair.connected() ? std::string("agreed") : pair.server.session.failure();
  };
  CHECK(with_cipher("ECDHE-ECDSA-AES128-GCM-SHA256") == "agreed");
  CHECK(with_cipher("ECDHE-ECDSA-CHACHA20-POLY1305") == "agreed");
  CHECK(with_cipher("ECDHE-ECDSA-AES128-SHA") == "NO_SHARED_CIPHER");
  CHECK(with_cipher("AES128-GCM-SHA256") == "NO_SHARED_CIPHER");
}

TEST_CASE("the compatible suites take clients that have nothing better") {
  tls::ServerPolicy policy;
  policy.suites = tls::Suites::compatible;
  const auto context = server_context(
      certificate_for(issue("rsa", nullptr, false, "DNS:a.example", {}, fresh_rsa_key())), policy);
  for (const char* cipher : {"ECDHE-RSA-AES128-SHA", "AES256-SHA", "AES128-GCM-SHA256"}) {
    const auto clients = client_context();
    auto ssl = only(clients->connect("server", "a.example"), TLS1_2_VERSION);
    REQUIRE(SSL_set_strict_cipher_list(ssl.get(), cipher) == 1);
    SessionPair pair(context, std::move(ssl));
    pair.exchange();
    CHECK(pair.connected());
  }
}

TEST_CASE("X25519 is agreed on before P-256, and P-256 with those that have no other") {
  const auto context = server_context(certificate("a", "DNS:a.example"));
  const auto clients = client_context();
  const auto agreed_group = [&](const char* groups) {
    auto ssl = clients->connect("server", "a.example");
    REQUIRE(SSL_set1_curves_list(ssl.get(), groups) == 1);
    SessionPair pair(context, std::move(ssl));
    pair.exchange();
    return pair.connected() ? SSL_get_curve_id(pair.client.ssl) : 0;
  };
  CHECK(agreed_group("P-256:X25519") == SSL_CURVE_X25519);
  CHECK(agreed_group("P-256") == SSL_CURVE_SECP256R1);
  CHECK(agreed_group("P-521") == 0);
}

// ---- resumption

TEST_CASE(
    "tickets are opened by every context that shares the keys, and until the second rotation") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  const auto same = issue("a", nullptr, false, "DNS:a.example");
  tls::ServerPolicy policy;
  policy.tickets = std::make_shared<tls::TicketKeys>();
  const auto clients = client_context();
  const auto resumes = [&] {
    // A new context each time, as after a reload.
    SessionPair pair(server_context(certificate_for(same), policy),
                     only(clients->connect("one", "a.example"), version));
    pair.exchange();
    REQUIRE(pair.connected());
    pair.server.write("x"); // with the tickets of TLS 1.3
    pair.exchange();
    return SSL_session_reused(pair.client.ssl) == 1;
  };
  CHECK_FALSE(resumes());
  CHECK(resumes());
  policy.tickets->turn(core::WallTime{});
  CHECK(resumes()); // and gets a ticket of the new key
  policy.tickets->turn(core::WallTime{});
  CHECK(resumes());
  policy.tickets->turn(core::WallTime{});
  policy.tickets->turn(core::WallTime{});
  CHECK_FALSE(resumes());
  policy.tickets = std::make_shared<tls::TicketKeys>();
  CHECK_FALSE(resumes());
}

TEST_CASE(
    "a session is resumed under its own certificate, and never under another (CVE-2025-23419)") {
  const auto version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  const auto context = server_context(several());
  const auto clients = client_context();
  bssl::UniquePtr<SSL_SESSION> ticket;
  {
    SessionPair pair(context, only(clients->connect("one", "first.example"), version));
    pair.exchange();
    pair.server.write("x"); // with the tickets of TLS 1.3
    pair.exchange();
    // The client's context keeps the session for its own use; here another name is to use it.
    const auto resuming = clients->connect("one", "first.example");
    ticket.reset(SSL_get1_session(resuming.get()));
    REQUIRE(ticket);
  }
  const auto resumed = [&](const std::string& name) {
    auto ssl = only(clients->connect("other", name), version);
    SSL_set_session(ssl.get(), ticket.get());
    SessionPair pair(context, std::move(ssl));
    pair.exchange();
    REQUIRE(pair.connected());
    CHECK(SSL_session_reused(pair.client.ssl) == SSL_session_reused(pair.server.ssl));
    return SSL_session_reused(pair.server.ssl) == 1;
  };
  CHECK(resumed("first.example"));
  CHECK_FALSE(resumed("second.example"));
  CHECK_FALSE(resumed("third.example"));
}

TEST_CASE("a ticket of another listener is worth nothing: the handshake is a full one") {
  const auto clients = client_context();
  const Issued server = issue("a.example", nullptr, false, "DNS:a.example");
  const auto first = server_context(certificate_for(server));
  const auto second = server_context(certificate_for(server));
  const auto resumed_at = [&](const std::shared_ptr<tls::ServerContext>& context) {
    SessionPair pair(context, clients->connect("server", "a.example"));
    pair.exchange();
    REQUIRE(pair.connected());
    const bool resumed = SSL_session_reused(pair.server.ssl) == 1;
    pair.server.write("x");
    pair.exchange();
    return resumed;
  };
  CHECK_FALSE(resumed_at(first));
  CHECK(resumed_at(first));
  CHECK_FALSE(resumed_at(second));
}

} // namespace
