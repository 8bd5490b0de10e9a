#include "rproxyd/guard/guard_answer.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;

TEST_CASE("a refusal speaks the node's language and says when to come back") {
  const auto answer = rproxyd::guard_answer(429, 299s + 1ms);
  CHECK(answer.head.status == 429);
  CHECK(answer.head.fields.find("retry-after") == "300");
  CHECK(answer.head.fields.find("content-type") == "application/json");
  CHECK(answer.body ==
        R"({"status":"failure","result":"Too many attempts. Try again in 300 seconds."})"
        "\n");
  CHECK(answer.head.body.length == answer.body.size());
  CHECK(rproxyd::guard_answer(403, 0s).head.fields.find("retry-after") == "1");
}
