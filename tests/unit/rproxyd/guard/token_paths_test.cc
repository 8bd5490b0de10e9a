#include "rproxyd/guard/token_paths.h"

#include <catch2/catch_test_macros.hpp>

using rproxyd::TokenPaths;

namespace {
const TokenPaths kPaths({"/api/client/v2/conferences/*/request_token"});
}

TEST_CASE("proxy rule 8: every spelling of a token request's path is one") {
  for (const char* target : {"/api/client/v2/conferences/demo/request_token",
                             "/api/client/v2/conferences/demo/request_token?x",
                             "/api/client/v2/conferences/demo/request_token/",
                             "//api/client/v2///conferences/demo/request_token",
                             "/api/client/v2/conferences/demo/%72equest%5Ftoken",
                             "/api/client/v2/conferences/demo/request_token;a=b",
                             "/api/./client/x/../v2/conferences/demo/request_token",
                             "/api%2Fclient/v2/conferences/demo/request_token",
                             "/API/Client/V2/conferences/DEMO/Request_Token",
                             "/brand/api/client/v2/conferences/demo/request_token"}) {
    INFO(target);
    CHECK(kPaths.room_of(target) == "demo");
  }
}

TEST_CASE("other requests are none") {
  for (const char* target :
       {"/", "*", "", "/api/client/v2/conferences/demo/refresh_token",
        "/api/client/v2/conferences//request_token", "/api/client/v2/conferences/request_token",
        "/api/client/v2/conferences/demo/request_tokens", "/api/client/v2/conferences/demo",
        "/api/client/v2/conferences/demo/request_token/x",
        "/api/client/v2/conferences/demo/%zzrequest_token"}) {
    INFO(target);
    CHECK_FALSE(kPaths.room_of(target));
  }
}

TEST_CASE("a room is the same in every spelling of its alias") {
  const auto room = [](const std::string& alias) {
    return kPaths.room_of("/api/client/v2/conferences/" + alias + "/request_token");
  };
  CHECK(room("Meet.Ada%40Example.com") == "meet.ada@example.com");
  CHECK(room("a%2fb") == "a/b");
  CHECK(room("%C3%A9") == "\xc3\xa9");
  const std::string long_alias(TokenPaths::kMaxRoomBytes, 'a');
  CHECK(room(long_alias + "1") == long_alias);
}

TEST_CASE("patterns of one's own") {
  const TokenPaths paths({"/a/*/b", "/Login/*/pin"});
  CHECK(paths.room_of("/a/x/b") == "x");
  CHECK(paths.room_of("/login/y/PIN") == "y");
  CHECK_FALSE(paths.room_of("/api/client/v2/conferences/demo/request_token"));
}
