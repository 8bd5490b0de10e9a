#include "libcore/admin/commands.h"

#include <catch2/catch_test_macros.hpp>

using nlohmann::json;

namespace {

bool is_refused(const json& answer) {
  return answer["ok"] == false && !admin::text_of(answer, "error").empty();
}

} // namespace

TEST_CASE("a question goes to the handler that its command names") {
  admin::Commands commands;
  commands.add("add", [](const json& question) {
    return json{{"ok", true}, {"sum", question.at("a").get<int>() + question.at("b").get<int>()}};
  });
  CHECK(commands.answer({{"command", "add"}, {"a", 2}, {"b", 3}}) ==
        json{{"ok", true}, {"sum", 5}});
}

TEST_CASE("what is no command, and what a handler can't read, is refused in words") {
  admin::Commands commands;
  commands.add("add", [](const json& question) { return question.at("a"); });
  commands.add_for_socket("take_over", [](const json&, int) { FAIL("there is no socket"); });
  CHECK(is_refused(commands.answer({{"command", "subtract"}})));
  CHECK(is_refused(commands.answer({{"command", 7}})));
  CHECK(is_refused(commands.answer(json::array({1, 2}))));
  CHECK(is_refused(commands.answer("add")));
  CHECK(is_refused(commands.answer({{"command", "add"}})));
  CHECK(is_refused(commands.answer({{"command", "take_over"}})));
}

TEST_CASE("an answer is one line of UTF-8, whatever it holds") {
  CHECK(admin::to_line({{"text", "a\nb\xff"}}) == "{\"text\":\"a\\nb\xef\xbf\xbd\"}");
}
