#include "libcore/tls/client_context.h"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/libcore/tls/session_pair.h"

namespace {

// BoringSSL verifies against the system's clock.
core::WallTime today() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}
Validity now_valid() {
  return {.from = today() - std::chrono::days(1), .until = today() + std::chrono::days(1)};
}

struct Authority {
  Authority() {
    std::string pattern = std::filesystem::temp_directory_path() / "vestibule-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    write(pem_of(root.certificate.get()));
  }
  ~Authority() { std::filesystem::remove_all(folder); }
  void write(std::string_view pem) const { std::ofstream(file(), std::ios::binary) << pem; }
  std::string file() const { return folder / "ca.pem"; }
  Issued server(const std::string& names, const Validity& validity = now_valid()) const {
    return issue("server", &root, false, names, validity);
  }
  std::unique_ptr<tls::ClientContext> clients() const {
    return client_context({.verify = true, .ca_file = file()});
  }

  Issued root = issue("Root", nullptr, true, "", now_valid());
  std::filesystem::path folder;
};

// "" when the handshake succeeds, else what the client says.
std::string outcome(tls::ClientContext& clients, const std::shared_ptr<tls::ServerContext>& context,
                    const std::string& name) {
  SessionPair pair(context, clients.connect("server", name));
  pair.exchange();
  if (pair.client.session.handshake_done()) return "";
  CHECK(pair.client_status == tls::Status::failed);
  CHECK(pair.server_status == tls::Status::failed); // by the alert
  return pair.client.session.failure();
}

// ---- verification

TEST_CASE("without verification any server is talked to, whatever its certificate says") {
  const auto clients = client_context();
  const auto context = server_context(certificate_for(
      issue("other", nullptr, false, "DNS:other.example",
            {.from = kToday - std::chrono::days(900), .until = kToday - std::chrono::days(800)})));
  CHECK(outcome(*clients, context, "a.example").empty());
  CHECK(outcome(*clients, context, "192.0.2.1").empty());
  CHECK(outcome(*clients, context, "").empty());
}

TEST_CASE("with verification the name must be the certificate's") {
  const Authority authority;
  const auto clients = authority.clients();
  const auto context = server_context(certificate_for(
      authority.server("DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1")));
  for (const std::string name : {"a.example", "any.b.example", "192.0.2.1", "2001:db8::1"}) {
    CHECK(outcome(*clients, context, name).empty());
  }
  for (const std::string name : {"b.example", "c.example", "x.y.b.example"}) {
    CHECK(outcome(*clients, context, name) == "CERTIFICATE_VERIFY_FAILED: Hostname mismatch");
  }
  for (const std::string name : {"192.0.2.2", "2001:db8::2"}) {
    CHECK(outcome(*clients, context, name) == "CERTIFICATE_VERIFY_FAILED: IP address mismatch");
  }
}

TEST_CASE("with verification and no name to expect, nothing is accepted") {
  const Authority authority;
  const auto clients = authority.clients();
  const auto context = server_context(certificate_for(authority.server("DNS:a.example")));
  CHECK(outcome(*clients, context, "").starts_with("CERTIFICATE_VERIFY_FAILED"));
  CHECK(outcome(*clients, context, std::string("a.example\0.evil", 15))
            .starts_with("CERTIFICATE_VERIFY_FAILED"));
}

TEST_CASE("with verification the chain must end at an authority that is trusted, and be valid") {
  const Authority authority;
  const auto clients = authority.clients();
  const std::string names = "DNS:a.example";
  const auto refused = [&](tls::Certificate certificate) {
    return outcome(*clients, server_context(std::move(certificate)), "a.example");
  };
  const Issued stranger = issue("Stranger", nullptr, true, "", now_valid());
  CHECK(refused(certificate_for(issue("server", &stranger, false, names, now_valid()))) ==
        "CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate");
  const Issued impostor = issue("Root", nullptr, true, "", now_valid());
  CHECK(refused(certificate_for(issue("server", &impostor, false, names, now_valid()))) ==
        "CERTIFICATE_VERIFY_FAILED: certificate signature failure");
  CHECK(refused(certificate_for(issue("server", nullptr, false, names, now_valid()))) ==
        "CERTIFICATE_VERIFY_FAILED: self signed certificate");
  CHECK(refused(
            certificate_for(authority.server(names, {.from = today() - std::chrono::days(2),
                                                     .until = today() - std::chrono::days(1)}))) ==
        "CERTIFICATE_VERIFY_FAILED: certificate has expired");

  const Issued between = issue("Between", &authority.root, true, "", now_valid());
  const Issued server = issue("server", &between, false, names, now_valid());
  CHECK(refused(certificate_for(server, {&between})).empty());
  CHECK(refused(certificate_for(server)) ==
        "CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate");
}

TEST_CASE("a self-signed certificate can be its own authority, as the demo's nodes are") {
  const Authority authority;
  const Issued node = issue("node", nullptr, false, "DNS:node.example", now_valid());
  authority.write(pem_of(node.certificate.get()));
  CHECK(
      outcome(*authority.clients(), server_context(certificate_for(node)), "node.example").empty());
}

TEST_CASE("a file of authorities that can't be loaded is named, with the reason") {
  const Authority authority;
  const auto refusal = [](const std::string& file) {
    const auto refused = tls::ClientContext::make({.verify = true, .ca_file = file});
    REQUIRE_FALSE(refused.has_value());
    return refused.error().text;
  };
  const std::string nowhere = authority.folder / "nowhere.pem";
  CHECK(refusal(nowhere) == nowhere + ": can't be loaded: No such file or directory");
  authority.write("no certificate");
  CHECK(refusal(authority.file()) ==
        authority.file() + ": can't be loaded: NO_CERTIFICATE_OR_CRL_FOUND");
  CHECK(tls::ClientContext::make({.verify = false, .ca_file = nowhere}).has_value());
}

// ---- SNI

TEST_CASE("a host name is sent as SNI, an address is not (RFC 6066 3)") {
  const auto clients = client_context();
  const auto context = server_context(certificate_for(issue("a", nullptr, false)));
  for (const std::string name : {"a.example", "192.0.2.1", "2001:db8::1", ""}) {
    SessionPair pair(context, clients->connect("server", name));
    pair.exchange();
    CHECK(pair.server.session.server_name() == (name == "a.example" ? name : ""));
  }
}

// ---- resumption

struct Resumption {
  // Connects, exchanges a byte each way (tickets of TLS 1.3 come with it), and tells whether the
  // session was resumed.
  bool resumed(const std::string& server, const std::string& name) {
    SessionPair pair(context, only(clients->connect(server, name), version));
    pair.exchange();
    REQUIRE(pair.connected());
    pair.server.write("x");
    pair.client.write("x");
    pair.exchange();
    return SSL_session_reused(pair.client.ssl) == 1;
  }
  std::uint16_t version = TLS1_3_VERSION;
  std::unique_ptr<tls::ClientContext> clients = client_context();
  std::shared_ptr<tls::ServerContext> context =
      server_context(certificate_for(issue("a", nullptr, false)));
};

TEST_CASE("the second connection to a server, and all after it, resume the session") {
  Resumption run;
  run.version = GENERATE(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION});
  CHECK_FALSE(run.resumed("10.0.0.1:443", "node.example"));
  for (int i = 0; i < 5; ++i) CHECK(run.resumed("10.0.0.1:443", "node.example"));
}

TEST_CASE("a session is resumed with the same server under the same name only") {
  Resumption run;
  CHECK_FALSE(run.resumed("10.0.0.1:443", "node.example"));
  CHECK_FALSE(run.resumed("10.0.0.2:443", "node.example"));
  CHECK_FALSE(run.resumed("10.0.0.1:443", "other.example"));
  CHECK(run.resumed("10.0.0.1:443", "node.example"));
}

TEST_CASE("sessions of one context are not another's: trust settings don't mix") {
  Resumption run;
  CHECK_FALSE(run.resumed("10.0.0.1:443", "node.example"));
  run.clients = client_context();
  CHECK_FALSE(run.resumed("10.0.0.1:443", "node.example"));
}

TEST_CASE("a server that forgot the session is connected to in full, and remembered anew") {
  Resumption run;
  CHECK_FALSE(run.resumed("10.0.0.1:443", "node.example"));
  run.context = server_context(certificate_for(issue("a", nullptr, false)));
  CHECK_FALSE(run.resumed("10.0.0.1:443", "node.example"));
  CHECK(run.resumed("10.0.0.1:443", "node.example"));
}

TEST_CASE("sessions of kMaxRememberedSessions servers are remembered, and those stay so") {
  Resumption run;
  const auto server = [](std::size_t i) { return "server " + std::to_string(i); };
  constexpr std::size_t kLimit = tls::ClientContext::kMaxRememberedSessions;
  for (std::size_t i = 0; i <= kLimit; ++i) run.resumed(server(i), "node.example");
  CHECK(run.resumed(server(0), "node.example"));
  CHECK(run.resumed(server(kLimit - 1), "node.example"));
  CHECK_FALSE(run.resumed(server(kLimit), "node.example"));
  CHECK_FALSE(run.resumed(server(kLimit), "node.example"));
}

TEST_CASE("a connection may outlive its context: the ticket that comes then goes nowhere") {
  Resumption run;
  SessionPair pair(run.context, run.clients->connect("10.0.0.1:443", "node.example"));
  pair.exchange();
  REQUIRE(pair.connected());
  run.clients.reset();
  pair.server.write("x");
  pair.exchange();
  CHECK(pair.client.received == "x");
}

} // namespace
