#include "rproxyd/doctor/diagnosis.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace rproxyd::doctor;

namespace {

HostFacts serving(const std::string& host) {
  HostFacts facts;
  facts.host = host;
  facts.attempts = {{"203.0.113.1:443", ""}};
  facts.certificate_names = {host};
  facts.name_matches = true;
  facts.status = 200;
  facts.body = R"({"status": "success", "result": "OK"})";
  return facts;
}

HostFacts closed(const std::string& host) {
  HostFacts facts;
  facts.host = host;
  facts.attempts = {{"203.0.113.2:443", "Connection refused"}};
  return facts;
}

HostFacts nameless(const std::string& host) {
  HostFacts facts;
  facts.host = host;
  facts.lookup_problem = "Domain name not found";
  return facts;
}

// As in the guide: two proxies, the first preferred.
Facts two_proxies() {
  Facts facts;
  facts.domain = "example.com";
  facts.services = {{"proxy1.example.com", 443, 10, 100}, {"proxy2.example.com", 443, 20, 100}};
  facts.hosts = {serving("proxy1.example.com"), serving("proxy2.example.com")};
  facts.domain_host = nameless("example.com");
  return facts;
}

TurnFacts turn() {
  TurnFacts facts;
  facts.server = "turn.example.com:3478";
  facts.mapped = "203.0.113.9:40000";
  facts.allocate_code = 401;
  facts.realm = "example.com";
  return facts;
}

std::string first_problem(const Facts& facts) {
  for (const Finding& finding : diagnose(facts).findings) {
    if (finding.is_problem) return finding.text;
  }
  return "";
}

} // namespace

TEST_CASE("with two proxies that serve, every kind of client is served and nothing is found") {
  const Diagnosis diagnosis = diagnose(two_proxies());
  CHECK(diagnosis.healthy());
  CHECK(diagnosis.findings.empty());
  REQUIRE(diagnosis.clients.size() == 3);
  CHECK(diagnosis.clients[0].outcome == "it is served by proxy1.example.com:443");
  CHECK(diagnosis.clients[1].outcome == "it is served by whichever record comes first");
  CHECK(diagnosis.clients[2].outcome ==
        "give people https://proxy1.example.com/ or https://proxy2.example.com/");
}

TEST_CASE("the desktop app goes by priority, whatever the order of the answer") {
  Facts facts = two_proxies();
  std::swap(facts.services[0], facts.services[1]);
  CHECK(diagnose(facts).clients[0].outcome == "it is served by proxy1.example.com:443");
}

TEST_CASE(
    "when the preferred proxy is gone, the desktop app is served and the mobile app may not be") {
  Facts facts = two_proxies();
  facts.hosts[0] = closed("proxy1.example.com");
  const Diagnosis diagnosis = diagnose(facts);
  CHECK_FALSE(diagnosis.healthy());
  CHECK(diagnosis.clients[0].reaches);
  CHECK(diagnosis.clients[0].steps.size() == 3);
  CHECK_FALSE(
      diagnosis.clients[1].reaches); // it tries one record only, and the domain has no address
  CHECK(diagnosis.clients[1].outcome == "it is not served when a record that fails comes first");
  CHECK(diagnosis.clients[2].outcome == "give people https://proxy2.example.com/");
  CHECK(first_problem(facts) ==
        "proxy1.example.com:443 can't be reached at 203.0.113.2:443: Connection refused");
}

TEST_CASE("the domain's own address saves the mobile app, and not the desktop app") {
  Facts facts = two_proxies();
  facts.services.clear();
  facts.hosts.clear();
  facts.service_problem = "SRV of '_pexapp._tcp.example.com': Domain name not found";
  facts.domain_host = serving("example.com");
  const Diagnosis diagnosis = diagnose(facts);
  CHECK_FALSE(diagnosis.clients[0].reaches);
  CHECK(diagnosis.clients[1].reaches);
  CHECK(diagnosis.clients[2].outcome == "give people https://example.com/");
  CHECK(diagnosis.findings[0].advice ==
        "Add to DNS: _pexapp._tcp.example.com SRV 10 100 443 proxy.example.com.");
}

TEST_CASE("the first thing that fails at a host is told, in the order of a client's steps") {
  HostFacts host = serving("proxy1.example.com");
  const auto said = [&] { return trouble_at(host).empty() ? "" : trouble_at(host).front().text; };
  CHECK(said().empty());
  host.status = 404;
  CHECK(said().starts_with("proxy1.example.com:443 answers 404 to /api/client/v2/status"));
  host.status = 502;
  CHECK(said() == "proxy1.example.com:443 answers 502: it reaches no conferencing node");
  host.status = 503;
  host.body = R"({"status": "failed", "result": "Maintenance mode"})";
  CHECK(said() == "all conferencing nodes behind proxy1.example.com:443 are in maintenance");
  host.http_problem = "that is not HTTP";
  CHECK(said() == "proxy1.example.com:443 gives no valid answer: that is not HTTP");
  host.name_matches = false;
  host.certificate_names = {"a.example", "b.example"};
  CHECK(said() == "the certificate of proxy1.example.com:443 is for a.example, b.example");
  host.untrusted = "certificate has expired";
  CHECK(said() ==
        "clients don't trust the certificate of proxy1.example.com:443: certificate has expired");
  host.tls_problem = "it ended the connection";
  CHECK(said() == "proxy1.example.com:443 makes no TLS connection: it ended the connection");
  host.attempts = {{"203.0.113.1:443", "no answer in time"}};
  CHECK(said() == "proxy1.example.com:443 can't be reached at 203.0.113.1:443: no answer in time");
  host.lookup_problem = "Domain name not found";
  CHECK(said() == "proxy1.example.com has no address: Domain name not found");
}

TEST_CASE("an address of several that is dead is worth knowing, and keeps nobody out") {
  Facts facts = two_proxies();
  facts.hosts[0].attempts = {{"[2001:db8::1]:443", "no answer in time"}, {"203.0.113.1:443", ""}};
  const Diagnosis diagnosis = diagnose(facts);
  CHECK(diagnosis.healthy());
  REQUIRE(diagnosis.findings.size() == 1);
  CHECK_FALSE(diagnosis.findings[0].is_problem);
}

TEST_CASE("a record whose target is the root says that there is no service (RFC 2782)") {
  Facts facts = two_proxies();
  facts.services = {{".", 0, 0, 0}};
  facts.hosts.clear();
  CHECK(first_problem(facts) ==
        "an SRV record says that there is no service (its target is \".\")");
}

TEST_CASE("a TURN server that asks for credentials in the right realm is well") {
  Facts facts = two_proxies();
  facts.turn = {turn()};
  CHECK(diagnose(facts).healthy());
  facts.wanted_realm = "example.com";
  CHECK(diagnose(facts).healthy());
}

TEST_CASE("what is wrong with a TURN server is told") {
  Facts facts = two_proxies();
  facts.turn = {turn()};
  TurnFacts& server = facts.turn.front();
  SECTION("another realm") {
    facts.wanted_realm = "example.org";
    CHECK(first_problem(facts) ==
          "the realm of turn.example.com:3478 is \"example.com\", not \"example.org\"");
  }
  SECTION("no answer") {
    server.binding_problem = "no answer in time";
    CHECK(first_problem(facts) == "turn.example.com:3478 doesn't answer STUN: no answer in time");
  }
  SECTION("STUN alone") {
    server.allocate_problem = "no answer in time";
    CHECK(first_problem(facts).starts_with("turn.example.com:3478 answers STUN, but not TURN"));
  }
  SECTION("an open relay") {
    server.allocate_code = 200;
    CHECK(first_problem(facts) == "turn.example.com:3478 relays for anybody, without credentials");
  }
  SECTION("wrong credentials") {
    server.credentials_tried = true;
    server.credentials_problem = "it answers 401";
    CHECK(first_problem(facts) ==
          "turn.example.com:3478 gives no relay to these credentials: it answers 401");
  }
  SECTION("only for conferencing nodes") {
    server.allocate_code = 403;
    CHECK(diagnose(facts).healthy());
    CHECK(diagnose(facts).findings.size() == 1);
  }
}
