#include "libcore/admin/sessions.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;

namespace {
constexpr core::TimePoint kStart{1h};
} // namespace

TEST_CASE("a session lasts for as long as it is used") {
  admin::Sessions sessions;
  const std::string name = sessions.begin(kStart);
  CHECK(name.size() == 32);
  CHECK(name != sessions.begin(kStart));
  CHECK(sessions.use(name, kStart + 12h));
  CHECK(sessions.use(name, kStart + 24h));
  CHECK_FALSE(sessions.use(name, kStart + 36h + 1s));
  CHECK_FALSE(sessions.use("", kStart));
  CHECK_FALSE(sessions.use(name.substr(1), kStart));
}

TEST_CASE("signing out ends one, another token all") {
  admin::Sessions sessions;
  const std::string one = sessions.begin(kStart);
  const std::string other = sessions.begin(kStart);
  sessions.end(one);
  CHECK_FALSE(sessions.use(one, kStart));
  CHECK(sessions.use(other, kStart));
  sessions.end_all();
  CHECK_FALSE(sessions.use(other, kStart));
}

TEST_CASE("one more than there is room for ends the one that was not used for longest") {
  admin::Sessions sessions;
  const std::string first = sessions.begin(kStart);
  const std::string second = sessions.begin(kStart + 1s);
  for (std::size_t i = 2; i < admin::Sessions::kMax; ++i) sessions.begin(kStart + 2s);
  CHECK(sessions.use(first, kStart + 3s));
  sessions.begin(kStart + 4s);
  CHECK(sessions.use(first, kStart + 5s));
  CHECK_FALSE(sessions.use(second, kStart + 5s));
}
