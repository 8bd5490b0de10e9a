#include "rproxyd/proxy/exchange_summary.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/rproxyd/proxy/exchange_stage.h"

using namespace rproxyd;
using namespace std::chrono_literals;

namespace {

struct Stage : ExchangeStage {
  Stage() {
    Route pool;
    pool.path = "/";
    pool.target = "nodes";
    pool.websocket = true;
    Route home;
    home.path = "/";
    home.exact = true;
    home.kind = Route::Kind::redirect;
    home.target = "/webapp/";
    Route fixed;
    fixed.path = "/robots.txt";
    fixed.kind = Route::Kind::answer;
    fixed.answer.head.status = 200;
    Route folder;
    folder.path = "/branding/";
    folder.kind = Route::Kind::folder;
    folder.target = "/srv";
    folder.methods = {"GET"};
    routes = RouteTable({home, pool, fixed, folder});
    files.files["/srv/a.css"] = {.content = "a"};
  }
  ServedBy served_by(std::string target) {
    request.target = std::move(target);
    return begin().summary().served_by;
  }
};

} // namespace

TEST_CASE("an exchange knows what served it") {
  Stage stage;
  CHECK(stage.served_by("/api/client/v2/status") == ServedBy::pool);
  CHECK(stage.exchange->summary().pool == "nodes");
  CHECK(stage.served_by("/") == ServedBy::redirect);
  CHECK(stage.exchange->summary().pool.empty());
  CHECK(stage.served_by("/robots.txt") == ServedBy::fixed);
  CHECK(stage.served_by("/branding/a.css") == ServedBy::folder);
  CHECK(stage.served_by("/a/../../b") == ServedBy::refused);

  stage.exchange.emplace(stage, stage.rules, stage, StreamId{1}, stage.request, stage.identity);
  stage.exchange->turn_away(error_answer(kPlainAnswers, 429, "Later."), "banned");
  CHECK(stage.exchange->summary().served_by == ServedBy::pin_guard);
  CHECK(stage.exchange->summary().status == 429);

  stage.rules.redirect_https = true;
  CHECK(stage.served_by("/api/client/v2/status") == ServedBy::https_redirect);
  const std::vector<Route> challenges(1);
  stage.rules.challenges = &challenges;
  CHECK(stage.served_by("/.well-known/acme-challenge/abc") == ServedBy::acme);
}

TEST_CASE("the time to the first byte ends with the answer's head, the whole with its end") {
  Stage stage;
  Exchange& exchange = stage.begin();
  exchange.link_open(stage, false);
  CHECK_FALSE(exchange.summary().first_byte.has_value());
  stage.time.steady += 30ms;
  auto head = ExchangeStage::answer(200);
  exchange.on_response(head, false);
  stage.time.steady += 12ms;
  exchange.on_response_end({});
  exchange.on_stream_closed(true);
  CHECK(exchange.summary().first_byte == 30ms);
  CHECK(exchange.summary().whole == 42ms);
  CHECK(exchange.summary().lasting == Lasting::no);
  CHECK(stage.lasting.empty());
}

TEST_CASE("event streams and WebSockets are said to last when they begin") {
  Stage stage;
  auto head = ExchangeStage::answer(200);
  SECTION("an event stream, whatever its parameters and case") {
    Exchange& exchange = stage.begin();
    exchange.link_open(stage, false);
    head.fields.add("content-type", "Text/Event-Stream; charset=utf-8");
    exchange.on_response(head, false);
    CHECK(stage.lasting == std::vector{Lasting::event_stream});
    CHECK(exchange.summary().lasting == Lasting::event_stream);
  }
  SECTION("a WebSocket") {
    stage.request.upgrade = "websocket";
    stage.request.fields.add("sec-websocket-version", "13");
    stage.request.fields.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    Exchange& exchange = stage.begin();
    exchange.link_open(stage, false);
    head.status = 101;
    exchange.on_response(head, false);
    CHECK(stage.lasting == std::vector{Lasting::web_socket});
    CHECK(exchange.summary().lasting == Lasting::web_socket);
  }
  SECTION("what only looks like one") {
    Exchange& exchange = stage.begin();
    exchange.link_open(stage, false);
    head.fields.add("content-type", "text/event");
    exchange.on_response(head, false);
    CHECK(stage.lasting.empty());
  }
}

TEST_CASE("a client that goes before the answer has had no first byte") {
  Stage stage;
  Exchange& exchange = stage.begin();
  exchange.on_stream_closed(false);
  CHECK(exchange.summary().status == 499);
  CHECK_FALSE(exchange.summary().first_byte.has_value());
}
