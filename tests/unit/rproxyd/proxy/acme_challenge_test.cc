#include "rproxyd/proxy/acme_challenge.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/rproxyd/proxy/exchange_stage.h"

using namespace rproxyd;

TEST_CASE("RFC 8555 section 8.3: a challenge's token is base64url, and nothing decodes to one") {
  CHECK(
      challenge_token("/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowy_jxAjEu-") ==
      "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowy_jxAjEu-");
  CHECK(challenge_token("/.well-known/acme-challenge/a?x=/../") == "a");
  CHECK(challenge_token("/.well-known/acme-challenge/" + std::string(kMaxChallengeToken, 'a')));
  CHECK_FALSE(
      challenge_token("/.well-known/acme-challenge/" + std::string(kMaxChallengeToken + 1, 'a')));
  for (const char* other : {"/.well-known/acme-challenge/", "/.well-known/acme-challenge", "/x/a",
                            "/.well-known/acme-challenge/a/b", "/.well-known/acme-challenge/..",
                            "/.well-known/acme-challenge/%61", "/.well-known/acme-challenge/a.txt",
                            "//.well-known/acme-challenge/a", "/.well-known/acme-challenge//a",
                            "/.well-known/acme-challenge/.a", "*"}) {
    CAPTURE(other);
    CHECK_FALSE(challenge_token(other));
  }
}

TEST_CASE("a challenge is answered before the redirect to https, from either place") {
  ExchangeStage stage;
  const auto challenges = challenge_routes("/acme");
  stage.rules.challenges = &challenges;
  stage.rules.redirect_https = true;
  stage.files.files["/acme/.well-known/acme-challenge/one"] = {.content = "proof 1"};
  stage.files.files["/acme/two"] = {.content = "proof 2"};
  const auto get = [&](const std::string& target) {
    stage.request.target = target;
    stage.begin();
    return stage.take();
  };
  CHECK(get("/.well-known/acme-challenge/one") == Said{"respond 200", "body proof 1", "finish"});
  CHECK(get("/.well-known/acme-challenge/two") == Said{"respond 200", "body proof 2", "finish"});
  CHECK(get("/.well-known/acme-challenge/three").front() == "respond 404");
  CHECK(get("/.well-known/acme-challenge/one/").front() == "respond 301");
  CHECK(get("/one").front() == "respond 301");
}
