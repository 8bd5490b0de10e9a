#include "rproxyd/guard/token_gate.h"

#include <catch2/catch_test_macros.hpp>
#include <vector>

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

constexpr std::string_view kChallenge = R"({"status":"success","result":{"pin":"required"}})";

// A desk that answers as the test says, and a gate at it.
struct Stage final : TokenDesk {
  explicit Stage(std::string_view method = "POST") {
    request.method = method;
    request.fields.add("accept-encoding", "gzip, br");
  }
  Admission admit(const PinAttempt& attempt, const Wake&, const core::Now&) override {
    asked.push_back(attempt);
    Admission given = answer;
    if (given.kind == Admission::Kind::pass) given.ticket = Ticket{.attempt = attempt};
    if (given.kind == Admission::Kind::asked) given.claim = "a:1";
    return given;
  }
  Admission decide(const std::string& claim, const core::Now&) override {
    claims.push_back(claim);
    Admission given = answer;
    if (given.kind == Admission::Kind::pass) given.ticket = Ticket{.attempt = asked.back()};
    if (given.kind == Admission::Kind::asked) given.claim = claim;
    return given;
  }
  void abandon(const std::string& claim, const core::Now&) override { abandoned.push_back(claim); }
  void settle(const Ticket&, Outcome outcome, const core::Now&) override {
    settled.push_back(outcome);
  }
  TokenGate& gate() {
    if (!made) made.emplace(*this, core::IpAddress::v4(203, 0, 113, 7), "demo", request);
    return *made;
  }
  // A request that has passed.
  TokenGate& passed(std::string_view body) {
    gate().request_body(core::bytes_of(body));
    gate().request_end();
    REQUIRE(gate().ask(now).kind == Admission::Kind::pass);
    gate().reached_node();
    return gate();
  }
  ResponseHead& head(std::uint16_t status) {
    response.clear();
    response.status = status;
    return response;
  }

  RequestHead request;
  ResponseHead response;
  core::Now now{.steady = core::TimePoint(1000s), .wall = {}};
  Admission answer;
  std::vector<PinAttempt> asked;
  std::vector<std::string> claims;
  std::vector<std::string> abandoned;
  std::vector<Outcome> settled;
  std::optional<TokenGate> made;
};

using Outcomes = std::vector<Outcome>;

} // namespace

TEST_CASE("nothing is asked before the body is whole") {
  Stage stage;
  CHECK_FALSE(stage.gate().ready());
  stage.gate().request_body(core::bytes_of(R"({"pi)"));
  CHECK_FALSE(stage.gate().ready());
  stage.gate().request_body(core::bytes_of(R"(n":"1","conference_extension":"Board"})"));
  stage.gate().request_end();
  REQUIRE(stage.gate().ready());
  stage.gate().ask(stage.now);
  REQUIRE(stage.asked.size() == 1);
  CHECK(stage.asked[0].carries_pin);
  CHECK(stage.asked[0].room == "demo");
  CHECK(stage.asked[0].extension == "board");
}

TEST_CASE("a body that is too long to be looked at carries a PIN") {
  Stage stage;
  const std::string start = R"({"a":")";
  stage.gate().request_body(core::bytes_of(start));
  stage.gate().request_body(
      core::bytes_of(std::string(TokenGate::kMaxLookedAt - start.size() - 1, 'a')));
  CHECK_FALSE(stage.gate().ready());
  stage.gate().request_body(core::bytes_of("\"}"));
  REQUIRE(stage.gate().ready());
  stage.gate().ask(stage.now);
  CHECK(stage.asked[0].carries_pin);
}

TEST_CASE("a body that ends just at the limit might not be all: it carries a PIN") {
  Stage stage;
  stage.gate().request_body(core::bytes_of("{}" + std::string(TokenGate::kMaxLookedAt, ' ')));
  stage.gate().request_end();
  stage.gate().ask(stage.now);
  CHECK(stage.asked[0].carries_pin);
}

TEST_CASE("the node is asked for an answer that can be read") {
  Stage stage;
  stage.gate();
  CHECK(stage.request.fields.count("accept-encoding") == 1);
  CHECK(stage.request.fields.find("accept-encoding") == "identity");
}

TEST_CASE("a wrong PIN is settled when the node's answer has ended, in whatever pieces") {
  Stage stage;
  TokenGate& gate = stage.passed(R"({"pin":"1"})");
  gate.answer_head(stage.head(403), stage.now);
  gate.answer_body(core::bytes_of(kChallenge.substr(0, 20)), stage.now);
  gate.answer_body(core::bytes_of(kChallenge.substr(20)), stage.now);
  CHECK(stage.settled.empty());
  gate.answer_end(stage.now);
  CHECK(stage.settled == Outcomes{Outcome::wrong_pin});
  gate.closed(true, stage.now);
  CHECK(stage.settled.size() == 1);
}

TEST_CASE("a token settles at once, and so does a challenge to a request without a PIN") {
  Stage right;
  right.passed(R"({"pin":"1"})").answer_head(right.head(200), right.now);
  CHECK(right.settled == Outcomes{Outcome::admitted});
  Stage first;
  first.passed("{}").answer_head(first.head(403), first.now);
  CHECK(first.settled == Outcomes{Outcome::denied});
}

TEST_CASE("an answer that is encoded, too long or cut off is read as the worse") {
  Stage encoded;
  TokenGate& gate = encoded.passed(R"({"pin":"1"})");
  encoded.head(403).fields.add("content-encoding", "gzip");
  gate.answer_head(encoded.response, encoded.now);
  gate.answer_body(core::bytes_of("{}"), encoded.now);
  gate.answer_end(encoded.now);
  CHECK(encoded.settled == Outcomes{Outcome::wrong_pin});

  Stage long_one;
  TokenGate& other = long_one.passed(R"({"pin":"1"})");
  other.answer_head(long_one.head(403), long_one.now);
  other.answer_body(core::bytes_of("{}" + std::string(TokenGate::kMaxLookedAt - 2, ' ')),
                    long_one.now);
  CHECK(long_one.settled.empty());
  other.answer_body(core::bytes_of(" "), long_one.now);
  CHECK(long_one.settled == Outcomes{Outcome::wrong_pin});

  Stage cut;
  cut.passed(R"({"pin":"1"})").answer_head(cut.head(403), cut.now);
  cut.gate().closed(false, cut.now);
  CHECK(cut.settled == Outcomes{Outcome::wrong_pin});
}

TEST_CASE("another node's answer takes the place of the first one's") {
  Stage stage;
  TokenGate& gate = stage.passed(R"({"pin":"1"})");
  gate.answer_head(stage.head(503), stage.now);
  gate.answer_body(core::bytes_of("busy"), stage.now);
  gate.answer_end(stage.now);
  CHECK(stage.settled.empty());
  gate.answer_head(stage.head(403), stage.now);
  gate.answer_body(core::bytes_of(kChallenge), stage.now);
  gate.answer_end(stage.now);
  CHECK(stage.settled == Outcomes{Outcome::wrong_pin});
}

TEST_CASE(
    "a guess whose answer the client does not wait for is a failure, a node's silence is none") {
  Stage broke_off;
  broke_off.passed(R"({"pin":"1"})").closed(true, broke_off.now);
  CHECK(broke_off.settled == Outcomes{Outcome::wrong_pin});

  Stage silent;
  silent.passed(R"({"pin":"1"})").closed(false, silent.now);
  CHECK(silent.settled == Outcomes{Outcome::none});

  Stage no_pin;
  no_pin.passed("{}").closed(true, no_pin.now);
  CHECK(no_pin.settled == Outcomes{Outcome::none});

  Stage not_there;
  not_there.gate().request_body(core::bytes_of(R"({"pin":"1"})"));
  not_there.gate().request_end();
  not_there.gate().ask(not_there.now);
  not_there.gate().closed(true, not_there.now);
  CHECK(not_there.settled == Outcomes{Outcome::none});

  Stage failed;
  failed.passed(R"({"pin":"1"})").answer_head(failed.head(500), failed.now);
  failed.gate().closed(false, failed.now);
  CHECK(failed.settled == Outcomes{Outcome::none});
}

TEST_CASE("a request that waits asks again less and less often") {
  Stage stage;
  stage.answer = {.kind = Admission::Kind::wait, .delay = PinGuard::kAskAgain};
  stage.gate().request_end();
  std::vector<core::Duration> pauses;
  for (;;) {
    const Admission admission = stage.gate().ask(stage.now);
    if (admission.kind != Admission::Kind::wait) break;
    pauses.push_back(admission.delay);
    stage.now.steady += admission.delay;
  }
  CHECK(pauses == std::vector<core::Duration>{20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 640ms, 640ms,
                                              640ms, 640ms, 640ms});
}

TEST_CASE("a request waits no longer than it may, then it is refused") {
  Stage stage;
  stage.answer = {.kind = Admission::Kind::wait, .delay = 2s};
  stage.gate().request_end();
  CHECK(stage.gate().ask(stage.now).kind == Admission::Kind::wait);
  stage.now.steady += 3s;
  CHECK(stage.gate().ask(stage.now).kind == Admission::Kind::wait);
  stage.now.steady += 1ns;
  const Admission refused = stage.gate().ask(stage.now);
  CHECK(refused.kind == Admission::Kind::refuse);
  CHECK(refused.delay == 2s);
  CHECK_FALSE(stage.gate().open());
  stage.gate().closed(true, stage.now);
  CHECK(stage.settled.empty());
}

TEST_CASE("while siblings are asked the same claim is decided, not another attempt made") {
  Stage stage;
  stage.answer.kind = Admission::Kind::asked;
  stage.gate().request_body(core::bytes_of(R"({"pin":"1"})"));
  stage.gate().request_end();
  CHECK(stage.gate().ask(stage.now).kind == Admission::Kind::asked);
  CHECK(stage.gate().ask(stage.now).kind == Admission::Kind::asked);
  stage.answer.kind = Admission::Kind::pass;
  CHECK(stage.gate().ask(stage.now).kind == Admission::Kind::pass);
  CHECK(stage.gate().open());
  CHECK(stage.asked.size() == 1);
  CHECK(stage.claims == std::vector<std::string>{"a:1", "a:1"});
  stage.gate().closed(false, stage.now);
  CHECK(stage.abandoned.empty());
  CHECK(stage.settled == Outcomes{Outcome::none});
}

TEST_CASE("a client that goes while siblings are asked abandons its claim") {
  Stage stage;
  stage.answer.kind = Admission::Kind::asked;
  stage.gate().request_body(core::bytes_of(R"({"pin":"1"})"));
  stage.gate().request_end();
  stage.gate().ask(stage.now);
  stage.gate().closed(true, stage.now);
  CHECK(stage.abandoned == std::vector<std::string>{"a:1"});
  CHECK(stage.settled.empty());
}
