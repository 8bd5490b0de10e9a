#include <catch2/catch_test_macros.hpp>

#include "rproxyd/settings/settings.h"
#include "tests/unit/rproxyd/settings/reading_members.h"

namespace {

constexpr const char* kUrl = R"({ "state": "redis://10.0.0.1/0" })";

std::string with_redis(const std::string& state, const std::string& redis) {
  return R"({ "state": ")" + state + R"(", "redis": )" + redis + " }";
}

} // namespace

TEST_CASE("state is a file, or a Redis server") {
  CHECK(read({{"pin_guard", kUrl}}).problems == Lines{});
  const auto settings = read({{"pin_guard", kUrl}}).settings;
  CHECK_FALSE(settings.pin_guard.state);
  REQUIRE(settings.pin_guard.redis);
  CHECK(settings.pin_guard.redis->to_string() == "redis://10.0.0.1:6379/0");
  CHECK_FALSE(read({{"pin_guard", "{}"}}).settings.pin_guard.redis);
}

TEST_CASE("the password of a Redis server comes with the URL, by itself or in a file") {
  const auto inside = read({{"pin_guard", R"({ "state": "redis://:secret@10.0.0.1" })"}}).settings;
  CHECK(inside.pin_guard.redis->password.reveal() == "secret");
  const auto beside =
      read({{"pin_guard",
             with_redis("rediss://10.0.0.1",
                        R"({ "password": "secret", "verify": false, "ca_file": "/ca" })")}})
          .settings;
  CHECK(beside.pin_guard.redis->password.reveal() == "secret");
  CHECK_FALSE(beside.pin_guard.redis->verify);
  CHECK(beside.pin_guard.redis->ca_file == "/ca");
  CHECK(beside.pin_guard.redis->tls);
}

TEST_CASE("what is wrong with a Redis server is said, and no password with it") {
  for (const std::string& wrong :
       {std::string(R"({ "state": "redis://:topsecret@10.0.0.1:x" })"),
        with_redis("redis://:topsecret@10.0.0.1", R"({ "password": "topsecret" })"),
        with_redis("bans.json", R"({ "password": "topsecret" })")}) {
    INFO(wrong);
    const auto problems = read({{"pin_guard", wrong}}).problems;
    REQUIRE(problems.size() == 1);
    CHECK_FALSE(problems.front().contains("topsecret"));
  }
}
