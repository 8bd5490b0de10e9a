#include "rproxyd/proxy/ice_servers.h"

#include <catch2/catch_test_macros.hpp>
#include <set>

#include "libcore/stun/time_limited.h"
#include "tests/unit/rproxyd/proxy/exchange_stage.h"

using namespace std::chrono_literals;
using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

IceServers two_servers() {
  return {
      .servers = {{.urls = {"turn:one.example.com:3478?transport=udp", "turns:one.example.com"}},
                  {.urls = {"turn:two.example.com"}}},
      .secret = core::Secret("north"),
      .ttl = 1h,
      .check = "/api/client/v2/whoami",
      .origins = {"https://meet.example.com"}};
}

// A route that leads there, before a pool that knows who is signed in.
struct IceStage : ExchangeStage {
  explicit IceStage(IceServers servers = two_servers()) {
    Route ice;
    ice.path = "/ice-servers";
    ice.exact = !servers.check.contains('*');
    ice.ice_servers = std::make_shared<const IceServers>(std::move(servers));
    routes = RouteTable({ice});
    request.target = "/ice-servers";
    time.wall = core::WallTime(1'800'000'000s);
  }
  // Up to the node's answer.
  Exchange& ask() {
    Exchange& asked = begin();
    asked.link_open(*this, false);
    return asked;
  }
  Said told(std::uint16_t status) {
    Exchange& asked = ask();
    take();
    ResponseHead head = answer(status);
    head.fields.add("www-authenticate", "Bearer");
    asked.on_response(head, false);
    asked.on_response_body(core::bytes_of("who it is"));
    asked.on_response_end({});
    return take();
  }
};

} // namespace

TEST_CASE("a time-limited password is the one that the servers make of the same secret") {
  const auto answer = ice_servers_answer(two_servers(), "0123abcd", {}, core::WallTime(1000s));
  const std::string password(
      stun::time_limited_password(core::Secret("north"), "4600:0123abcd").reveal());
  CHECK(answer.body.contains(R"("username":"4600:0123abcd","credential":")" + password + '"'));
  CHECK(answer.body.starts_with(R"({"iceServers":[{"urls":[")"));
  CHECK(answer.body.ends_with(R"("}],"ttl":3600})"));
  CHECK(answer.head.fields.find("cache-control") == "no-store");
}

TEST_CASE("what a name can't hold is left out of it, whoever has chosen it") {
  const auto answer = ice_servers_answer(two_servers(), R"(a"b:c\d)", {}, core::WallTime(0s));
  CHECK(answer.body.contains(R"("username":"3600:abcd",)"));
}

TEST_CASE("servers come in an order that their weights decide, and no more than `most`") {
  IceServers rules = two_servers();
  rules.servers[0].weight = 3;
  rules.most = 1;
  int first = 0;
  for (std::uint8_t i = 0; i < 200; ++i) {
    const auto body = ice_servers_answer(rules, "x", {i}, core::WallTime(0s)).body;
    const bool one = body.contains("one.example.com");
    CHECK(one != body.contains("two.example.com"));
    first += one ? 1 : 0;
  }
  CHECK(first > 120);
  CHECK(first < 180);
}

TEST_CASE("the node is asked with what the client identifies itself by, and nothing else of it") {
  IceStage stage;
  for (const char* name : {"cookie", "authorization", "token", "pin", "range", "if-none-match"})
    stage.request.fields.add(name, "x");
  stage.ask();
  CHECK(stage.take() == Said{"connect node0", "-> GET /api/client/v2/whoami", "-> finish"});
  for (const char* name : {"cookie", "authorization", "token"})
    CHECK(stage.request.fields.find(name) == "x");
  for (const char* name : {"pin", "range", "if-none-match"})
    CHECK_FALSE(stage.request.fields.find(name));
  CHECK(stage.request.fields.find("x-forwarded-for") == "203.0.113.7");
}

TEST_CASE("who is signed in gets servers and not what the node has said") {
  IceStage stage;
  const Said said = stage.told(200);
  REQUIRE(said.size() == 4);
  CHECK(said[0] == "-> release");
  CHECK(said[1] == "respond 200");
  CHECK(said[2].contains("1800003600:0123456789abcdef"));
  CHECK_FALSE(said[2].contains("who it is"));
  CHECK(stage.exchange->record().target == "/ice-servers");
}

TEST_CASE("who is not signed in gets the node's refusal, and no credential") {
  for (const std::uint16_t status : std::vector<std::uint16_t>{401, 403}) {
    IceStage stage;
    const Said said = stage.told(status);
    CHECK(said[1] == fmt::format("respond {}", status));
    CHECK_FALSE(said[2].contains("credential"));
    CHECK(stage.answered.fields.find("www-authenticate") == "Bearer");
  }
}

TEST_CASE("any other answer of the node is none: 502, and no credential") {
  for (const std::uint16_t status : std::vector<std::uint16_t>{302, 304, 404, 500}) {
    IceStage stage;
    const Said said = stage.told(status);
    CHECK(said[1] == "respond 502");
    CHECK_FALSE(said[2].contains("credential"));
  }
}

TEST_CASE("a node that breaks off after its head is asked again at another, and says nothing yet") {
  IceStage stage;
  Exchange& exchange = stage.ask();
  ResponseHead head = ExchangeStage::answer(200);
  exchange.on_response(head, false);
  stage.take();
  exchange.on_failure(BackendFailure::closed_in_answer, "gone");
  CHECK(stage.take() == Said{"-> abort", "connect node1"});
}

TEST_CASE("pages of other origins are told that they may read it, if they may") {
  IceStage stage;
  stage.request.fields.add("origin", "https://meet.example.com");
  stage.told(200);
  CHECK(stage.answered.fields.find("access-control-allow-origin") == "https://meet.example.com");
  CHECK(stage.answered.fields.find("access-control-allow-credentials") == "true");

  IceStage other;
  other.request.fields.add("origin", "https://evil.example.net");
  other.told(200);
  CHECK_FALSE(other.answered.fields.find("access-control-allow-origin"));
  CHECK(other.answered.fields.find("vary") == "origin");

  IceStage preflight;
  preflight.request.method = "OPTIONS";
  preflight.request.fields.add("origin", "https://meet.example.com");
  preflight.begin();
  CHECK(preflight.take() == Said{"respond 204", "body ", "finish"});
  CHECK(preflight.answered.fields.find("access-control-allow-headers") == "authorization, token");
}

TEST_CASE("nothing but a GET without a body is taken") {
  IceStage post;
  post.request.method = "POST";
  post.begin();
  CHECK(post.take()[0] == "respond 405");
  IceStage body;
  body.begin(false);
  CHECK(body.take()[0] == "respond 400");
}

TEST_CASE(
    "the last segment of the path takes the place of '*', and no more than one plain segment") {
  IceServers rules = two_servers();
  rules.check = "/api/conferences/*/status";
  const auto target = [&](std::string_view sent) { return sign_in_target(rules, "/ice", sent); };
  CHECK(target("/ice/demo.room@example.com?a=b") ==
        "/api/conferences/demo.room@example.com/status");
  for (const char* bad : {"/ice", "/ice/", "/ice/a/b", "/ice/..", "/ice/.", "/ice/%2e%2e",
                          "/ice/a%2Fb", "/ice/a\\b", "/ice/a;b", "/icea"}) {
    INFO(bad);
    CHECK_FALSE(target(bad));
  }
}
