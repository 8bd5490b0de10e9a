// Exchanges that become tunnels (proxy rule 7).
#include <catch2/catch_test_macros.hpp>

#include "rproxyd/proxy/exchange.h"
#include "tests/unit/rproxyd/proxy/exchange_steps.h"

using namespace rproxyd;
using namespace std::chrono_literals;

namespace {

void allow_web_socket(ExchangeStage& stage, Version version = Version::http_1_1) {
  Route route;
  route.path = "/";
  route.websocket = true;
  stage.routes = RouteTable({route});
  stage.request.target = "/ws";
  stage.request.version = version;
  stage.request.upgrade = "websocket";
  stage.request.fields.add("sec-websocket-version", "13");
  if (version != Version::http_2)
    stage.request.fields.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
}

// A handshake that node0 has got; `ended` as its session would tell.
Exchange& asked(ExchangeStage& stage, Version version = Version::http_1_1) {
  allow_web_socket(stage, version);
  Exchange& exchange = stage.begin(version != Version::http_2);
  exchange.link_open(stage, false);
  CHECK(stage.take() == Said{"connect node0", "-> GET /ws"});
  CHECK(stage.armed == stage.rules.timeouts.response);
  return exchange;
}

Exchange& tunnel(ExchangeStage& stage, Version version = Version::http_1_1) {
  Exchange& exchange = asked(stage, version);
  auto head = ExchangeStage::answer(101);
  exchange.on_response(head, false);
  CHECK(stage.take() == Said{"respond 101"});
  return exchange;
}

} // namespace

TEST_CASE("an accepted handshake becomes a tunnel that ends when both directions have") {
  for (const bool client_first : {true, false}) {
    ExchangeStage stage;
    Exchange& exchange = tunnel(stage);
    CHECK(stage.armed == stage.rules.timeouts.stream_idle);
    exchange.on_request_body(core::bytes_of("up"));
    exchange.on_response_body(core::bytes_of("down"));
    CHECK(stage.take() == Said{"-> body up", "consumed 2", "body down"});
    if (client_first) {
      exchange.on_request_end({});
      CHECK(stage.take() == Said{"-> finish"});
      CHECK(stage.armed == stage.rules.timeouts.body); // half of it has ended
      exchange.on_response_body(core::bytes_of("late"));
      exchange.on_response_end({});
      CHECK(stage.take() == Said{"body late", "finish", "-> release"});
    } else {
      exchange.on_response_end({});
      CHECK(stage.take() == Said{"finish"});
      CHECK(stage.armed == stage.rules.timeouts.body);
      exchange.on_request_body(core::bytes_of("late"));
      exchange.on_request_end({});
      CHECK(stage.take() == Said{"-> body late", "consumed 4", "-> finish", "-> release"});
    }
    exchange.on_stream_closed(true);
    CHECK(stage.take() == Said{"ended"});
    CHECK(exchange.record().status == 101);
    CHECK(exchange.trouble().empty());
  }
}

TEST_CASE("nothing is tunnelled before the 101") {
  ExchangeStage stage;
  Exchange& exchange = asked(stage, Version::http_2);
  exchange.on_request_body(core::bytes_of("early"));
  CHECK(stage.take().empty());
  SECTION("an acceptance lets it through") {
    auto head = ExchangeStage::answer(101);
    exchange.on_response(head, false);
    CHECK(stage.take() == Said{"respond 101", "-> body early", "consumed 5"});
  }
  SECTION("an end behind it, too") {
    exchange.on_request_end({});
    CHECK(stage.take().empty());
    auto head = ExchangeStage::answer(101);
    exchange.on_response(head, false);
    CHECK(stage.take() == Said{"respond 101", "-> body early", "consumed 5", "-> finish"});
  }
  SECTION("another status is an answer, and no tunnel") {
    auto head = ExchangeStage::answer(403);
    exchange.on_response(head, false);
    exchange.on_response_body(core::bytes_of("page"));
    exchange.on_response_end({});
    CHECK(stage.take() == Said{"respond 403", "body page", "finish", "-> release", "consumed 5"});
  }
  SECTION("a 200 must not look like an acceptance to a CONNECT") {
    auto head = ExchangeStage::answer(200);
    exchange.on_response(head, false);
    CHECK(stage.take().at(1) == "respond 502");
  }
}

TEST_CASE("a handshake over HTTP/2 gets a key for a backend that speaks HTTP/1.1") {
  ExchangeStage stage;
  asked(stage, Version::http_2);
  CHECK(stage.request.fields.find("sec-websocket-key") == "AQIDAAAAAAAAAAAAAAAAAA==");
}

TEST_CASE("where no WebSocket is allowed, an upgrade is a plain request, and a CONNECT refused") {
  ExchangeStage stage;
  stage.request.upgrade = "websocket";
  SECTION("HTTP/1.1") {
    waiting(stage);
    CHECK(stage.request.upgrade.empty());
  }
  SECTION("HTTP/2") {
    stage.request.version = Version::http_2;
    stage.begin(false);
    CHECK(stage.take() == Said{"respond 403", local(403, "There is no WebSocket here."), "finish"});
  }
}

TEST_CASE("a handshake that is none is answered by the proxy") {
  ExchangeStage stage;
  allow_web_socket(stage);
  SECTION("with a body") {
    stage.request.body = {BodySize::Kind::length, 5};
    stage.begin(false);
    CHECK(stage.take().front() == "respond 400");
  }
  SECTION("of another version") {
    stage.request.fields.remove("sec-websocket-version");
    stage.begin();
    CHECK(stage.take().front() == "respond 426");
  }
}

TEST_CASE("a handshake may be repeated at another node, a tunnel may not") {
  ExchangeStage stage;
  Exchange& exchange = asked(stage);
  SECTION("no answer") {
    exchange.on_failure(BackendFailure::closed_before_answer, "gone");
    CHECK(stage.take() == Said{"-> abort", "connect node1"});
  }
  SECTION("a status that is retried") {
    auto head = ExchangeStage::answer(503);
    exchange.on_response(head, false);
    CHECK(stage.take() == Said{"-> abort", "connect node1"});
  }
  SECTION("a tunnel that broke off") {
    auto head = ExchangeStage::answer(101);
    exchange.on_response(head, false);
    exchange.link_broken("Connection reset by peer");
    CHECK(stage.take() == Said{"respond 101", "-> abort", "reset"});
    CHECK(exchange.trouble() == "node0: Connection reset by peer");
  }
  SECTION("no answer in time") {
    exchange.on_time();
    CHECK(stage.take().at(1) == "respond 504");
  }
}

TEST_CASE("a tunnel that stands still is broken off on both sides") {
  ExchangeStage stage;
  Exchange& exchange = tunnel(stage);
  exchange.on_time();
  CHECK(stage.take() == Said{"-> abort", "reset"});
  CHECK(exchange.record().status == 101);
}

TEST_CASE("a tunnel whose client still takes what the node left behind isn't broken off") {
  ExchangeStage stage;
  Exchange& exchange = tunnel(stage);
  stage.client_queued = 1000;
  exchange.on_response_end({});
  stage.take();
  stage.client_queued = 500;
  exchange.on_time();
  CHECK(stage.take().empty());
  exchange.on_time();
  CHECK(stage.take() == Said{"-> abort", "reset"});
}

TEST_CASE("a slow side of a tunnel holds the other back") {
  ExchangeStage stage;
  Exchange& exchange = tunnel(stage);
  stage.link_pending = kLinkHighWater;
  exchange.on_request_body(core::bytes_of("up"));
  CHECK(stage.take() == Said{"-> body up"});
  exchange.link_drained();
  CHECK(stage.take() == Said{"consumed 2"});
  stage.client_queued = kAnswerHighWater;
  exchange.on_response_body(core::bytes_of("down"));
  CHECK(stage.take() == Said{"body down", "-> pause"});
  exchange.on_answer_drained();
  CHECK(stage.take() == Said{"-> resume"});
}

TEST_CASE("a client that breaks its tunnel off takes the node's end with it") {
  ExchangeStage stage;
  Exchange& exchange = tunnel(stage);
  exchange.on_stream_closed(false);
  CHECK(stage.take() == Said{"-> abort", "ended"});
  CHECK(exchange.trouble() == "the client broke off");
}
