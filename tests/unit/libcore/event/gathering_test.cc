#include "libcore/event/gathering.h"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <string>
#include <thread>

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST_CASE("answers come from other threads, each in its place") {
  const auto gathering = std::make_shared<event::Gathering<std::string>>(2);
  std::thread other([gathering] {
    gathering->answer(1, "second");
    gathering->answer(0, "first");
    gathering->answer(0, "again: too late");
  });
  const auto answers = gathering->wait(hours(1));
  other.join();
  CHECK(answers == std::vector<std::optional<std::string>>{"first", "second"});
}

TEST_CASE("one that gives no answer is missing, and may answer when nobody waits") {
  const auto gathering = std::make_shared<event::Gathering<int>>(2);
  gathering->answer(0, 7);
  const auto answers = gathering->wait(milliseconds(1));
  CHECK(answers == std::vector<std::optional<int>>{7, std::nullopt});
  gathering->answer(1, 8);
}

} // namespace
