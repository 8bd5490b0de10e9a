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

struct Stage {
  admin::HttpAnswer ask(std::string path, std::string method = "GET") {
    return endpoints.answer({.method = std::move(method), .path = std::move(path)});
  }
  Shown content;
  admin::Commands commands;
  admin::Endpoints endpoints{content, commands};
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
