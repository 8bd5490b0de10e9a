#include "libcore/admin/endpoints.h"

#include <catch2/catch_test_macros.hpp>

namespace {

struct Shown final : admin::Content {
  bool ready() override { return is_ready; }
  std::vector<prometheus::MetricFamily> metrics() override {
    prometheus::ClientMetric one;
    one.counter.value = 3;
    return {{"vestibule_d_calls_total", "Calls.", prometheus::MetricType::Counter, {one}}};
  }
  nlohmann::json status() override { return {{"program", "d"}}; }
  bool is_ready = true;
};

constexpr auto kToken = "0123456789abcdef";

config::Admin closed() {
  config::Admin rules{.address = {}, .socket = {}};
  rules.token = core::Secret(kToken);
  return rules;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Stage {
  explicit Stage(config::Admin rules = {}) : access(std::move(rules)) {
    commands.add("bans", [](const nlohmann::json& question) {
      return nlohmann::json{{"ok", true}, {"did", admin::text_of(question, "action")}};
    });
    commands.add("take_all", [](const nlohmann::json&) { return nlohmann::json{{"ok", true}}; });
  }

  admin::HttpAnswer ask(std::string path, std::string method = "GET", Fields fields = {},
                        std::string body = {}) {
    fields.emplace_back("host", "localhost:1");
    const core::Now now{.steady = core::TimePoint(std::chrono::hours(1)), .wall = {}};
    const admin::Visitor visitor{.address = *core::SocketAddress::parse("127.0.0.1:4000"),
                                 .certified = false};
    return endpoints.answer({.method = std::move(method),
                             .path = std::move(path),
                             .fields = std::move(fields),
                             .body = std::move(body)},
                            visitor, now);
  }
  admin::HttpAnswer order(std::string body, Fields fields = {}) {
    fields.emplace_back("content-type", "application/json");
    return ask("/command", "POST", std::move(fields), std::move(body));
  }

  Shown content;
  admin::Commands commands;
  admin::Access access;
  unsigned refused = 0;
  admin::Endpoints endpoints{content, commands, access,
                             [this](const admin::Visitor&, const core::Now&) { ++refused; }};
};

} // namespace

TEST_CASE("health is that of the process, readiness that of the service") {
  Stage stage;
  CHECK(stage.ask("/healthz").status == 200);
  CHECK(stage.ask("/readyz").status == 200);
  stage.content.is_ready = false;
  CHECK(stage.ask("/healthz").status == 200);
  CHECK(stage.ask("/readyz").status == 503);
}

TEST_CASE("metrics are in Prometheus' text") {
  Stage stage;
  const auto answer = stage.ask("/metrics");
  CHECK(answer.type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(
      answer.body.contains("# TYPE vestibule_d_calls_total counter\nvestibule_d_calls_total 3\n"));
}

TEST_CASE("the status is JSON") {
  Stage stage;
  const auto answer = stage.ask("/status");
  CHECK(answer.type == "application/json");
  CHECK(nlohmann::json::parse(answer.body)["program"] == "d");
}

TEST_CASE("there is nothing else, and nothing to write") {
  Stage stage;
  CHECK(stage.ask("/etc/passwd").status == 404);
  CHECK(stage.ask("/status", "PUT").status == 405);
  CHECK(stage.ask("/command").status == 405);
  CHECK(stage.ask("/status", "POST").status == 405);
}

TEST_CASE("the status has the history, and what the page may do") {
  Stage stage;
  stage.endpoints.remember(core::WallTime(std::chrono::seconds(5)));
  const auto status = nlohmann::json::parse(stage.ask("/status").body);
  CHECK(status["history"]["at"] == nlohmann::json{5});
  CHECK(status["page"]["commands"] == true);
  CHECK(status["page"]["signed_in"] == false);
}

TEST_CASE("commands of the page are carried out, others are not") {
  Stage stage;
  CHECK(stage.order(R"({"command": "bans", "action": "clear"})").body ==
        "{\"did\":\"clear\",\"ok\":true}\n");
  CHECK(stage.order(R"({"command": "take_all"})").status == 404);
  CHECK(stage.order("nonsense").status == 404);
}

TEST_CASE("a command that a page of another origin can send is refused") {
  Stage stage;
  const std::string clear = R"({"command": "bans", "action": "clear"})";
  CHECK(stage.order(clear, {{"origin", "http://evil.example"}}).status == 403);
  CHECK(stage.order(clear, {{"sec-fetch-site", "same-site"}}).status == 403);
  CHECK(stage.ask("/command", "POST", {{"content-type", "text/plain"}}, clear).status == 415);
  CHECK(stage.ask("/command", "POST", {}, clear).status == 415);
  CHECK(stage.order(clear, {{"origin", "http://localhost:1"}}).status == 200);
}

TEST_CASE("where HTTP only reads, lists are given and nothing is changed") {
  config::Admin rules{.address = {}, .socket = {}};
  rules.read_only = true;
  Stage stage(rules);
  CHECK(stage.order(R"({"command": "bans", "action": "list"})").status == 200);
  CHECK(stage.order(R"({"command": "bans", "action": "clear"})").status == 403);
  CHECK(stage.order(R"({"command": "log"})").status == 403);
  CHECK(nlohmann::json::parse(stage.ask("/status").body)["page"]["commands"] == false);
}

TEST_CASE("without the token there is a form for people and 401 for programs") {
  Stage stage(closed());
  CHECK(stage.ask("/").status == 401);
  CHECK(stage.ask("/").body.contains("<form method=\"post\" action=\"/sign-in\">"));
  for (const auto* path : {"/healthz", "/readyz", "/metrics", "/status"}) {
    const auto answer = stage.ask(path);
    CHECK(answer.status == 401);
    CHECK(answer.fields == Fields{{"WWW-Authenticate", "Bearer"}});
    CHECK(stage.ask(path, "GET", {{"authorization", std::string("Bearer ") + kToken}}).status ==
          200);
  }
  CHECK(stage.order(R"({"command": "bans", "action": "clear"})").status == 401);
}

TEST_CASE("signing in gives a session and leads to the page") {
  Stage stage(closed());
  const Fields form{{"content-type", "application/x-www-form-urlencoded"}};
  const auto wrong = stage.ask("/sign-in", "POST", form, "token=guess");
  CHECK(wrong.status == 403);
  CHECK(wrong.body.contains("That was not the token."));
  CHECK(stage.refused == 1);
  CHECK(stage.ask("/sign-in", "POST", {{"content-type", "text/plain"}}, "token=x").status == 415);
  CHECK(stage.ask("/sign-in", "POST", {{"origin", "http://evil.example"}}, "token=x").status ==
        403);
  CHECK(stage.ask("/sign-in").status == 405);

  const auto right = stage.ask("/sign-in", "POST", form, "token=0123456789%61bcdef");
  REQUIRE(right.status == 303);
  REQUIRE(right.fields.size() == 2);
  const std::string cookie = right.fields[1].second.substr(0, right.fields[1].second.find(';'));
  const auto page = stage.ask("/", "GET", {{"cookie", cookie}});
  CHECK(page.status == 200);
  CHECK(page.content_security_policy.contains("script-src 'sha256-"));
  CHECK(stage.ask("/sign-out", "POST", {{"cookie", cookie}}).status == 303);
  CHECK(stage.ask("/", "GET", {{"cookie", cookie}}).status == 401);
}

TEST_CASE("who guesses is told to wait, and said to the log") {
  Stage stage(closed());
  const Fields wrong{{"authorization", "Bearer guess"}};
  for (unsigned i = 0; i < admin::Attempts::kMost; ++i)
    CHECK(stage.ask("/status", "GET", wrong).status == 401);
  CHECK(stage.ask("/status", "GET", wrong).status == 429);
  CHECK(stage.refused == admin::Attempts::kMost);
}

TEST_CASE("every answer says that it may be neither kept, framed nor guessed at") {
  const std::string bytes = admin::to_bytes(admin::plain(200, "ok"), true);
  for (const auto* line :
       {"Cache-Control: no-store\r\n", "X-Frame-Options: DENY\r\n", "frame-ancestors 'none'\r\n",
        "X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n",
        "Connection: close\r\n", "Content-Length: 3\r\n"})
    CHECK(bytes.contains(line));
  CHECK(bytes.ends_with("\r\n\r\nok\n"));
  CHECK(admin::to_bytes(admin::plain(200, "ok"), false).ends_with("\r\n\r\n"));
}
