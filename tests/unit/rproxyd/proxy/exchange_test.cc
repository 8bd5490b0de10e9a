#include "rproxyd/proxy/exchange.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/rproxyd/proxy/exchange_steps.h"

using namespace rproxyd;
using namespace std::chrono_literals;

namespace {

constexpr auto kBusy = "No conferencing node could be reached.";

} // namespace

TEST_CASE("a request goes to a backend and its answer to the client") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  auto head = ExchangeStage::answer(200);
  exchange.on_response(head, false);
  exchange.on_response_body(core::bytes_of("hello"));
  exchange.on_response_end({});
  CHECK(stage.take() == Said{"respond 200", "body hello", "finish", "-> release"});
  exchange.on_stream_closed(true);
  CHECK(stage.take() == Said{"ended"});
  CHECK(exchange.record().status == 200);
  CHECK(exchange.record().body_bytes == 5);
  CHECK(exchange.record().attempts->front().address == "node0");
  CHECK(exchange.record().attempts->front().status == 200);
  CHECK(exchange.trouble().empty());
}

TEST_CASE("an answer without a body ends at once") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  auto head = ExchangeStage::answer(304);
  exchange.on_response(head, true);
  CHECK(stage.take() == Said{"respond 304", "finish", "-> release"});
}

TEST_CASE("redirects and refusals need no backend") {
  ExchangeStage stage;
  SECTION("a redirect route") {
    stage.request.target = "/";
    stage.begin();
    CHECK(stage.take() ==
          Said{"respond 302", "location /webapp/", local(302, "/webapp/"), "finish"});
  }
  SECTION("rule 8: a path that leaves its route") {
    stage.request.target = "/a/../../b";
    stage.begin();
    CHECK(stage.take().front() == "respond 400");
  }
  SECTION("port 80 sends everybody to https, with the host asked for and without its port") {
    stage.rules.redirect_https = true;
    stage.request.target = "/webapp/?x=%2F";
    stage.request.authority = "proxy.example.com:8080";
    stage.begin();
    CHECK(stage.take()[1] == "location https://proxy.example.com/webapp/?x=%2F");
  }
  SECTION("another port than 443 is named") {
    stage.rules.redirect_https = true;
    stage.rules.https_port = 8443;
    stage.request.authority = "proxy.example.com:8080";
    stage.begin();
    CHECK(stage.take()[1] == "location https://proxy.example.com:8443/api/client/v2/status");
  }
  SECTION("an IPv6 host keeps its brackets") {
    stage.rules.redirect_https = true;
    stage.request.authority = "[2001:db8::1]";
    stage.begin();
    CHECK(stage.take()[1] == "location https://[2001:db8::1]/api/client/v2/status");
  }
  SECTION("a HEAD gets no body") {
    stage.request.method = "HEAD";
    stage.request.target = "/";
    stage.begin();
    CHECK(stage.take() == Said{"respond 302", "location /webapp/", "finish"});
  }
}

TEST_CASE("a redirect has the status of its route, a fixed answer its body and fields") {
  ExchangeStage stage;
  Route moved;
  moved.path = "/old";
  moved.kind = Route::Kind::redirect;
  moved.target = "/new";
  moved.status = 308;
  Route fixed;
  fixed.path = "/robots.txt";
  fixed.kind = Route::Kind::answer;
  fixed.answer = local_answer(200, "text/plain", "User-agent: *");
  Route posts;
  posts.path = "/posts";
  posts.methods = {"POST"};
  stage.routes = RouteTable({moved, fixed, posts});
  SECTION("redirect") {
    stage.request.target = "/old/x";
    stage.begin();
    CHECK(stage.take() == Said{"respond 308", "location /new", local(308, "/new"), "finish"});
  }
  SECTION("fixed answer") {
    stage.request.target = "/robots.txt";
    stage.begin();
    CHECK(stage.take() == Said{"respond 200", "body User-agent: *", "finish"});
  }
  SECTION("405 names what is served (RFC 9110 section 15.5.6)") {
    stage.request.target = "/posts";
    stage.begin();
    CHECK(stage.take().front() == "respond 405");
    CHECK(stage.answered.fields.find("allow") == "POST");
  }
  SECTION("an error page of one's own") {
    const AnswerRules rules{.content_security_policy = {},
                            .hsts = {},
                            .server = {},
                            .error_pages = {{404, {.content_type = "text/html", .body = "<p>"}}}};
    stage.rules.answers = &rules;
    stage.request.target = "/nothing";
    stage.begin();
    CHECK(stage.take() == Said{"respond 404", "body <p>", "finish"});
  }
}

TEST_CASE("a rewrite changes what the backend is asked for, not what is logged") {
  ExchangeStage stage;
  Route pool;
  pool.path = "/outside/";
  pool.rewrite = "/inside/";
  stage.routes = RouteTable({pool});
  stage.request.target = "/outside/a%2Fb?c";
  Exchange& exchange = stage.begin();
  exchange.link_open(stage, false);
  CHECK(stage.take() == Said{"connect node0", "-> GET /inside/a%2Fb?c", "-> finish"});
  CHECK(exchange.record().target == "/outside/a%2Fb?c");
  exchange.on_stream_closed(false);
  SECTION("rule 8: what would leave its new place is refused") {
    stage.take();
    stage.request.target = "/outside/%2e%2e/outside/x";
    stage.begin();
    CHECK(stage.take().front() == "respond 400");
  }
}

TEST_CASE(
    "rule 18: a connection that failed before anything was sent is always retried elsewhere") {
  ExchangeStage stage;
  stage.request.method = "POST";
  Exchange& exchange = stage.begin(false);
  exchange.on_request_body(core::bytes_of("pin"));
  exchange.link_failed("refused");
  CHECK(stage.take() == Said{"connect node0", "connect node1"});
  exchange.link_open(stage, false);
  exchange.on_request_end({});
  CHECK(stage.take() ==
        Said{"-> POST /api/client/v2/status", "-> body pin", "consumed 3", "-> finish"});
  CHECK(exchange.record().attempts->size() == 2);
}

TEST_CASE("rule 18: there are no more attempts than configured, or than there are backends") {
  ExchangeStage stage;
  SECTION("configured: 2") {
    Exchange& exchange = stage.begin();
    exchange.link_failed("refused");
    exchange.link_failed("refused");
  }
  SECTION("one backend") {
    stage.backends = 1;
    stage.begin().link_failed("refused");
  }
  const Said said = stage.take();
  CHECK(said[said.size() - 3] == "respond 502");
  CHECK(said[said.size() - 2] == local(502, kBusy));
  CHECK(stage.exchange->trouble() != "");
}

TEST_CASE("rule 18: a status worth a retry moves an idempotent request to another backend, once") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  auto head = ExchangeStage::answer(503);
  exchange.on_response(head, false);
  CHECK(stage.take() == Said{"-> abort", "connect node1"});
  exchange.link_open(stage, false);
  stage.take();
  exchange.on_response(head, false);
  CHECK(stage.take() == Said{"respond 503"});
}

TEST_CASE("rule 18: a POST that a backend has seen is not repeated unless that is configured") {
  ExchangeStage stage;
  stage.request.method = "POST";
  auto head = ExchangeStage::answer(503);
  SECTION("by default") {
    Exchange& exchange = stage.begin();
    exchange.link_open(stage, false);
    stage.take();
    exchange.on_response(head, false);
    CHECK(stage.take() == Said{"respond 503"});
  }
  SECTION("configured, and without a body") {
    stage.rules.retry[0].non_idempotent = true;
    Exchange& exchange = stage.begin();
    exchange.link_open(stage, false);
    stage.take();
    exchange.on_response(head, false);
    CHECK(stage.take() == Said{"-> abort", "connect node1"});
  }
  SECTION("configured, but its body is gone") {
    stage.rules.retry[0].non_idempotent = true;
    Exchange& exchange = stage.begin(false);
    exchange.link_open(stage, false);
    exchange.on_request_body(core::bytes_of("pin"));
    exchange.on_request_end({});
    stage.take();
    exchange.on_response(head, false);
    CHECK(stage.take() == Said{"respond 503"});
  }
}

TEST_CASE("a kept connection that turns out dead is replaced by a new one to the same backend") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage, true);
  exchange.on_failure(BackendFailure::closed_before_answer, "closed");
  CHECK(stage.take() == Said{"-> abort", "connect node0 fresh"});
  exchange.link_open(stage, false);
  stage.take();
  exchange.on_failure(BackendFailure::closed_before_answer, "closed");
  CHECK(stage.take() == Said{"-> abort", "connect node1"});
}

TEST_CASE("rule 19: a backend that dies in its answer leaves an incomplete answer") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  auto head = ExchangeStage::answer(200);
  exchange.on_response(head, false);
  exchange.on_response_body(core::bytes_of("half"));
  stage.take();
  SECTION("by a clean end that its framing contradicts") {
    exchange.on_failure(BackendFailure::closed_in_answer, "closed");
  }
  SECTION("by a reset") { exchange.link_broken("reset"); }
  CHECK(stage.take() == Said{"-> abort", "reset"});
}

TEST_CASE("rule 18: a head alone has told the client nothing: the node may still be replaced") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  auto head = ExchangeStage::answer(200);
  head.body = {.kind = BodySize::Kind::length, .length = 5};
  exchange.on_response(head, false);
  CHECK(stage.take() == Said{});
  CHECK(stage.armed == kHeadHold);
  SECTION("it dies before the body: another one answers") {
    SECTION("by a clean end") { exchange.on_failure(BackendFailure::closed_in_answer, "closed"); }
    SECTION("by a reset") { exchange.link_broken("reset"); }
    CHECK(stage.take() == Said{"-> abort", "connect node1"});
    exchange.link_open(stage, false);
    stage.take();
    exchange.on_response(head, false);
    exchange.on_response_body(core::bytes_of("hello"));
    exchange.on_response_end({});
    CHECK(stage.take() == Said{"respond 200", "body hello", "finish", "-> release"});
  }
  SECTION("the body comes: both go on") {
    exchange.on_response_body(core::bytes_of("he"));
    CHECK(stage.take() == Said{"respond 200", "body he"});
    exchange.on_failure(BackendFailure::closed_in_answer, "closed");
    CHECK(stage.take() == Said{"-> abort", "reset"});
  }
  SECTION("the body takes its time: the head goes ahead") {
    exchange.on_time();
    CHECK(stage.take() == Said{"respond 200"});
    CHECK(stage.armed == ExchangeTimeouts{}.stream_idle);
    exchange.on_response_body(core::bytes_of("hello"));
    CHECK(stage.take() == Said{"body hello"});
  }
  SECTION("what follows is not HTTP: that is no reason to repeat") {
    exchange.on_failure(BackendFailure::malformed, "bad");
    CHECK(stage.take()[1] == "respond 502");
  }
}

TEST_CASE("rule 18: a node that dies in the midst of a head may be replaced") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  exchange.on_failure(BackendFailure::closed_in_answer, "closed");
  CHECK(stage.take() == Said{"-> abort", "connect node1"});
}

TEST_CASE("rule 18: the head of an answer to a POST is not held back") {
  ExchangeStage stage;
  stage.request.method = "POST";
  Exchange& exchange = stage.begin();
  exchange.link_open(stage, false);
  stage.take();
  auto head = ExchangeStage::answer(200);
  head.body = {.kind = BodySize::Kind::length, .length = 5};
  exchange.on_response(head, false);
  CHECK(stage.take() == Said{"respond 200"});
}

TEST_CASE("an answer that is not HTTP is a 502, not a retry") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  exchange.on_failure(BackendFailure::malformed, "bad");
  CHECK(stage.take() == Said{"-> abort", "respond 502",
                             local(502, "The conferencing node gave no valid answer."), "finish"});
}

TEST_CASE("rule 16: request bytes are consumed only when the link has room") {
  ExchangeStage stage;
  stage.request.method = "POST";
  Exchange& exchange = stage.begin(false);
  exchange.on_request_body(core::bytes_of("ab"));
  CHECK(stage.take() == Said{"connect node0"}); // waits here, unconsumed
  stage.link_pending = kLinkHighWater;
  exchange.link_open(stage, false);
  exchange.on_request_body(core::bytes_of("cd"));
  CHECK(stage.take() == Said{"-> POST /api/client/v2/status", "-> body ab", "-> body cd"});
  stage.link_pending = 0;
  exchange.link_drained();
  CHECK(stage.take() == Said{"consumed 4"});
  exchange.on_request_body(core::bytes_of("ef"));
  CHECK(stage.take() == Said{"-> body ef", "consumed 2"});
}

TEST_CASE("rule 16: a slow client pauses its backend until its queue has drained") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  auto head = ExchangeStage::answer(200);
  exchange.on_response(head, false);
  stage.client_queued = kAnswerHighWater - 1;
  exchange.on_response_body(core::bytes_of("a"));
  CHECK(stage.take() == Said{"respond 200", "body a"});
  stage.client_queued = kAnswerHighWater;
  exchange.on_response_body(core::bytes_of("b"));
  exchange.on_response_body(core::bytes_of("c"));
  CHECK(stage.take() == Said{"body b", "-> pause", "body c"});
  exchange.on_answer_drained();
  CHECK(stage.take() == Said{"-> resume"});
}

TEST_CASE("100-continue is said once a backend is there to take the body") {
  ExchangeStage stage;
  stage.request.method = "POST";
  stage.request.expect_continue = true;
  Exchange& exchange = stage.begin(false);
  CHECK(stage.take() == Said{"connect node0"});
  exchange.link_open(stage, false);
  CHECK(stage.take() == Said{"-> POST /api/client/v2/status", "continue"});
  auto head = ExchangeStage::answer(100);
  exchange.on_information(head);
  CHECK(stage.take().empty());
  head.status = 103;
  exchange.on_information(head);
  CHECK(stage.take() == Said{"inform 103"});
}

TEST_CASE("an answer before the request's end frees the client, not the link") {
  ExchangeStage stage;
  stage.request.method = "POST";
  Exchange& exchange = stage.begin(false);
  exchange.link_open(stage, false);
  auto head = ExchangeStage::answer(413);
  exchange.on_response(head, false);
  exchange.on_response_end({});
  stage.said.erase(stage.said.begin(), stage.said.begin() + 2);
  CHECK(stage.take() == Said{"respond 413", "finish", "-> abort"});
  exchange.on_request_body(core::bytes_of("more"));
  CHECK(stage.take() == Said{"consumed 4"});
}

TEST_CASE("a client that breaks off takes its backend along, in every state") {
  ExchangeStage stage;
  SECTION("connecting") {
    stage.begin();
    stage.take();
    stage.exchange->on_stream_closed(false);
    CHECK(stage.take() == Said{"cancel connect", "ended"});
  }
  SECTION("waiting") {
    waiting(stage).on_stream_closed(false);
    CHECK(stage.take() == Said{"-> abort", "ended"});
  }
  SECTION("answering") {
    Exchange& exchange = waiting(stage);
    auto head = ExchangeStage::answer(200);
    exchange.on_response(head, false);
    stage.take();
    exchange.on_stream_closed(false);
    CHECK(stage.take() == Said{"-> abort", "ended"});
    CHECK(exchange.record().status == 200);
    return;
  }
  CHECK(stage.exchange->record().status == 499);
}

TEST_CASE("rule 17: each phase has its time-out and its answer") {
  ExchangeStage stage;
  SECTION("connecting: another backend") {
    stage.begin();
    CHECK(stage.armed == stage.rules.timeouts.connect);
    stage.exchange->on_time();
    CHECK(stage.take() == Said{"connect node0", "cancel connect", "connect node1"});
  }
  SECTION("the request's body: 408") {
    stage.begin(false).link_open(stage, false);
    CHECK(stage.armed == stage.rules.timeouts.body);
    stage.take();
    stage.exchange->on_time();
    CHECK(stage.take()[1] == "respond 408");
  }
  SECTION("the request's body, which the backend does not take: 504") {
    stage.link_pending = kLinkHighWater;
    stage.begin(false).link_open(stage, false);
    stage.exchange->on_request_body(core::bytes_of("held back"));
    stage.take();
    stage.exchange->on_time();
    CHECK(stage.take()[1] == "respond 504");
  }
  SECTION("the answer's head: 504, no retry by default") {
    waiting(stage);
    CHECK(stage.armed == stage.rules.timeouts.response);
    stage.exchange->on_time();
    CHECK(stage.take()[1] == "respond 504");
  }
  SECTION("the answer's head: another backend, if configured") {
    stage.rules.retry[0].on_timeout = true;
    waiting(stage).on_time();
    CHECK(stage.take() == Said{"-> abort", "connect node1"});
  }
  SECTION("the client takes the rest of an answer: as slowly as it likes, but it takes some") {
    auto head = ExchangeStage::answer(200);
    waiting(stage).on_response(head, false);
    stage.client_queued = 1000;
    stage.exchange->on_response_end({});
    CHECK(stage.armed == stage.rules.timeouts.body);
    stage.take();
    stage.client_queued = 999;
    stage.armed = {};
    stage.exchange->on_time();
    CHECK(stage.armed == stage.rules.timeouts.body);
    CHECK(stage.take().empty());
    stage.exchange->on_time();
    CHECK(stage.take() == Said{"reset"});
  }
  SECTION("an event stream may be silent for long, not for ever") {
    auto head = ExchangeStage::answer(200);
    waiting(stage).on_response(head, false);
    CHECK(stage.armed == stage.rules.timeouts.stream_idle);
    stage.take();
    stage.exchange->on_time();
    CHECK(stage.take() == Said{"-> abort", "reset"});
  }
}

TEST_CASE("with affinity by cookie the client is told its node, unless it knows") {
  ExchangeStage stage;
  stage.rules.cookies = {true};
  Exchange& exchange = stage.begin();
  CHECK_FALSE(stage.wanted_backend);
  exchange.link_open(stage, false);
  stage.take();
  auto head = ExchangeStage::answer(200);
  exchange.on_response(head, true);
  CHECK(stage.take() == Said{"respond 200",
                             "set-cookie vestibule_node=000000000000abc0; Path=/; HttpOnly; "
                             "Secure; SameSite=None",
                             "finish", "-> release"});

  ExchangeStage again;
  again.rules.cookies = {true};
  again.request.fields.add("cookie", "vestibule_node=000000000000abc0");
  Exchange& second = again.begin();
  CHECK(again.wanted_backend == BackendKey{0xabc0});
  second.link_open(again, false);
  again.take();
  auto answer = ExchangeStage::answer(200);
  second.on_response(answer, true);
  CHECK(again.take() == Said{"respond 200", "finish", "-> release"});
}

TEST_CASE("rule 18: without a budget for retries the client gets the answer that there is") {
  ExchangeStage stage;
  stage.retries_left = 0;
  Exchange& exchange = stage.begin();
  exchange.link_open(stage, false);
  stage.take();
  auto head = ExchangeStage::answer(503);
  exchange.on_response(head, true);
  CHECK(stage.take() == Said{"respond 503", "finish", "-> release"});
  CHECK(stage.outcomes == std::vector{BackendPool::Outcome::answered});
}

TEST_CASE(
    "rule 18: what a node says it has not processed may go elsewhere, unless its body is gone") {
  ExchangeStage stage;
  stage.request.method = "POST";
  Exchange& exchange = stage.begin(false);
  exchange.link_open(stage, false);
  stage.take();
  SECTION("with nothing of the body sent") {
    exchange.on_failure(BackendFailure::refused, "refused");
    CHECK(stage.take() == Said{"-> abort", "connect node1"});
  }
  SECTION("with some of it sent") {
    exchange.on_request_body(core::bytes_of("x"));
    exchange.on_failure(BackendFailure::refused, "refused");
    CHECK(stage.take().back() == "finish");
  }
}

TEST_CASE("rule 17: a slow reader has time as long as it takes something, and no longer") {
  ExchangeStage stage;
  Exchange& exchange = waiting(stage);
  auto head = ExchangeStage::answer(200);
  exchange.on_response(head, false);
  stage.client_queued = kAnswerHighWater + 1000;
  exchange.on_response_body(core::bytes_of("much"));
  CHECK(stage.take() == Said{"respond 200", "body much", "-> pause"});
  CHECK(stage.armed == stage.rules.timeouts.body);
  stage.client_queued = kAnswerHighWater + 500;
  exchange.on_time();
  CHECK(stage.take().empty());
  CHECK(stage.armed == stage.rules.timeouts.body);
  SECTION("it takes the rest") {
    exchange.on_answer_drained();
    CHECK(stage.take() == Said{"-> resume"});
    CHECK(stage.armed == stage.rules.timeouts.stream_idle);
    CHECK_FALSE(exchange.client_took_nothing());
  }
  SECTION("it takes nothing more") {
    exchange.on_time();
    CHECK(stage.take() == Said{"-> abort", "reset"});
    CHECK(exchange.client_took_nothing());
  }
}

TEST_CASE("a request's id goes to the node, into the log, and to whoever sees an error") {
  ExchangeStage stage;
  stage.rules.request_id = "x-request-id";
  stage.request.fields.add("x-request-id", "forged");
  stage.backends = 0;
  const Exchange& exchange = stage.begin();
  CHECK(exchange.record().request_id == "0123456789abcdef");
  CHECK(stage.request.fields.find("x-request-id") == "0123456789abcdef");
  CHECK(stage.take()[1] ==
        "body 502 No conferencing node could be reached.\nReference: 0123456789abcdef\n");
}

TEST_CASE("with request ids off, a client's header passes like any other") {
  ExchangeStage stage;
  stage.request.fields.add("x-request-id", "theirs");
  const Exchange& exchange = stage.begin();
  CHECK(exchange.record().request_id.empty());
  CHECK(stage.request.fields.find("x-request-id") == "theirs");
}

TEST_CASE("rule 17: a body that trickles in uses up its time, one at the least rate does not") {
  ExchangeStage stage;
  stage.rules.rates.upload = 100;
  stage.rules.timeouts.body = std::chrono::seconds(30);
  Exchange& exchange = stage.begin(false);
  exchange.link_open(stage, false);
  const auto after_a_second = [&](std::string_view bytes) {
    stage.time.steady += std::chrono::seconds(1);
    exchange.on_request_body(core::bytes_of(bytes));
  };
  SECTION("a byte a second") {
    for (int second = 0; second < 20; ++second) after_a_second("x");
    CHECK(stage.armed == std::chrono::milliseconds(10'200));
    stage.take();
    stage.time.steady += std::chrono::milliseconds(10'200);
    exchange.on_time();
    CHECK(stage.take()[1] == "respond 408");
    CHECK(exchange.body_stood_still());
  }
  SECTION("a hundred") {
    for (int second = 0; second < 3600; ++second) after_a_second(std::string(100, 'x'));
    CHECK(stage.armed == std::chrono::seconds(30));
  }
  SECTION("what the backend holds back is not the client's fault") {
    stage.link_pending = kLinkHighWater;
    after_a_second("x");
    stage.time.steady += std::chrono::seconds(100);
    stage.link_pending = 0;
    exchange.link_drained();
    CHECK(stage.armed == std::chrono::milliseconds(29'010));
  }
}

TEST_CASE("rule 17: who takes an answer too slowly is ended, but for event streams") {
  ExchangeStage stage;
  stage.rules.rates.download = 100;
  stage.rules.timeouts.body = std::chrono::seconds(30);
  Exchange& exchange = waiting(stage);
  auto head = ExchangeStage::answer(200);
  const std::string much(2 * kAnswerHighWater, 'x');
  const auto begin = [&] {
    exchange.on_response(head, false);
    stage.client_queued = much.size();
    exchange.on_response_body(core::bytes_of(much));
    stage.take();
  };
  // Ten bytes a second, until it is ended or ten minutes have passed.
  const auto read_slowly = [&] {
    int periods = 0;
    for (; periods < 20 && stage.said.empty(); ++periods) {
      const auto period = stage.armed;
      stage.client_queued -= static_cast<std::size_t>(period / std::chrono::seconds(1)) * 10;
      stage.time.steady += period;
      exchange.on_time();
    }
    return periods;
  };
  SECTION("a page") {
    begin();
    CHECK(read_slowly() == 3);
    CHECK(stage.take() == Said{"-> abort", "reset"});
    CHECK(exchange.client_took_nothing());
  }
  SECTION("events") {
    head.fields.add("content-type", "text/event-stream");
    begin();
    CHECK(read_slowly() == 20);
  }
}
