#include "rproxyd/guard/token_evidence.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd; // NOLINT(google-build-using-namespace)

namespace {

RequestHead request(std::string_view target = "/request_token") {
  RequestHead head;
  head.method = "POST";
  head.target = target;
  return head;
}

bool body_carries(std::string_view body, bool whole = true) {
  return look_at_request(request(), body, whole).carries_pin;
}

Verdict judged(std::string_view body, std::uint16_t status = 403) {
  return judge_answer(true, status, body, true);
}

} // namespace

TEST_CASE("a request without a PIN carries none") {
  CHECK_FALSE(body_carries(""));
  CHECK_FALSE(body_carries(" \r\n"));
  CHECK_FALSE(body_carries("{}"));
  CHECK_FALSE(body_carries(R"({"display_name": "Ada", "nested": {"pin": "1"}})"));
  CHECK_FALSE(body_carries(R"({"pin": ""})"));
  CHECK_FALSE(body_carries(R"({"pin": null})"));
  CHECK_FALSE(body_carries(R"({"pin": false})"));
}

TEST_CASE("a PIN in the body is found, as text or as a number, however its key is written") {
  CHECK(body_carries(R"({"pin": "1234"})"));
  CHECK(body_carries(R"({"pin": 1234})"));
  CHECK(body_carries(R"({"pin": 0})"));
  CHECK(body_carries(R"({"\u0070\u0069n": "1"})"));
  CHECK(body_carries(R"({"PIN": "1"})"));
  CHECK(body_carries(R"({"pin": "", "pin": "1"})"));
  CHECK(body_carries(R"({"pin": "1", "pin": ""})"));
  CHECK(body_carries(R"({"pin": ["1"]})"));
}

TEST_CASE("a body that can't be read is taken to carry a PIN") {
  CHECK(body_carries("pin=1234"));
  CHECK(body_carries("display_name=Ada"));
  CHECK(body_carries("{"));
  CHECK(body_carries("[]"));
  CHECK(body_carries("{}", false));
  CHECK(body_carries("", false));
  RequestHead packed = request();
  packed.fields.add("content-encoding", "gzip");
  CHECK(look_at_request(packed, "{}", true).carries_pin);
}

TEST_CASE("a PIN in the header or in the query is found") {
  RequestHead head = request();
  head.fields.add("pin", "");
  CHECK_FALSE(look_at_request(head, "{}", true).carries_pin);
  head.fields.add("Pin", "1234");
  CHECK(look_at_request(head, "{}", true).carries_pin);

  const auto query_carries = [](std::string_view target) {
    return look_at_request(request(target), "", true).carries_pin;
  };
  CHECK(query_carries("/x?pin=1"));
  CHECK(query_carries("/x?a=1&PIN=1"));
  CHECK(query_carries("/x?a=1;pin=1"));
  CHECK(query_carries("/x?p%69n=1"));
  CHECK_FALSE(query_carries("/x?pin="));
  CHECK_FALSE(query_carries("/x?pin"));
  CHECK_FALSE(query_carries("/x?pins=1&x=pin"));
  CHECK_FALSE(query_carries("/pin=1"));
}

TEST_CASE("the room behind a reception is told") {
  const auto extension = [](std::string_view body) {
    return look_at_request(request(), body, true).extension;
  };
  CHECK(extension(R"({"conference_extension": "Board.Room", "pin": "1"})") == "board.room");
  CHECK(extension(R"({"conference_extension": 1234})") == "1234");
  CHECK(extension(R"({"conference_extension": ""})").empty());
  CHECK(extension("{}").empty());
}

TEST_CASE("a wrong PIN is the challenge again, or Invalid PIN") {
  CHECK(judged(R"({"status":"success","result":{"pin":"required","guest_pin":"none"}})") ==
        Verdict::wrong_pin);
  CHECK(judged(R"({"status":"failure","result":"Invalid PIN"})") == Verdict::wrong_pin);
  CHECK(judged(R"({"pin":"required","guest_pin":"required"})") == Verdict::wrong_pin);
  CHECK(judged(R"("invalid pin")") == Verdict::wrong_pin);
}

TEST_CASE("another denial is no wrong PIN") {
  CHECK(judged(R"({"status":"success","result":{"conference_extension":"standard"}})") ==
        Verdict::denied);
  CHECK(judged(R"({"status":"failure","result":"Participant limit reached"})") == Verdict::denied);
  CHECK(judged("{}") == Verdict::denied);
}

TEST_CASE("a denial of a PIN that can't be read is a wrong PIN") {
  CHECK(judged("") == Verdict::wrong_pin);
  CHECK(judged("<html>") == Verdict::wrong_pin);
  CHECK(judge_answer(true, 403, "{}", false) == Verdict::wrong_pin);
}

TEST_CASE("without a PIN, or with another status, nothing is a wrong PIN") {
  constexpr std::string_view kChallenge = R"({"result":{"pin":"required"}})";
  CHECK(judge_answer(false, 403, kChallenge, true) == Verdict::denied);
  CHECK(judge_answer(false, 403, "", false) == Verdict::denied);
  CHECK(judged(kChallenge, 200) == Verdict::admitted);
  CHECK(judged(kChallenge, 404) == Verdict::none);
  CHECK(judged(kChallenge, 503) == Verdict::none);
  CHECK(judged(kChallenge, 401) == Verdict::none);
}
