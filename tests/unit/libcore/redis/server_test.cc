#include "libcore/redis/server.h"

#include <catch2/catch_test_macros.hpp>

using redis::parse_url;

TEST_CASE("a URL says where the server is and who we are there") {
  const auto plain = parse_url("redis://10.0.0.1");
  REQUIRE(plain);
  CHECK(plain->to_string() == "redis://10.0.0.1:6379/0");
  CHECK(plain->password.empty());

  const auto whole = parse_url("rediss://fleet:a%40b/c:d@[2001:db8::1]:7000/3");
  REQUIRE(whole);
  CHECK(whole->tls);
  CHECK(whole->user == "fleet");
  CHECK(whole->password.reveal() == "a@b/c:d");
  CHECK(whole->to_string() == "rediss://[2001:db8::1]:7000/3");

  CHECK(parse_url("redis://:secret@redis.example.com/")->password.reveal() == "secret");
}

TEST_CASE("what is wrong with a URL is said without its password") {
  for (const auto* url : {"redis://", "redis://h:0", "redis://h:70000", "redis://h:1x",
                          "redis://h/x", "redis://h/1024", "redis://:%zz@h", "redis://[10.0.0.1]",
                          "redis://a b", "redis://:topsecret@h:x", "http://h"}) {
    INFO(url);
    const auto read = parse_url(url);
    REQUIRE_FALSE(read);
    CHECK_FALSE(read.error().contains("topsecret"));
  }
}
