#include "rproxyd/proxy/access_log.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd;
using namespace std::chrono_literals;

namespace {

const std::vector<Attempt> kAttempts = {{.address = "10.40.0.10:443", .status = 0, .time = 3ms},
                                        {.address = "10.40.0.11:443", .status = 200, .time = 12ms}};

AccessRecord sample() {
  AccessRecord r{.client = core::IpAddress::v4(203, 0, 113, 7)};
  r.time = core::WallTime(1772366400s); // 2026-03-01T12:00:00Z
  r.method = "POST";
  r.target = "/api/client/v2/conferences/x/request_token";
  r.referer = "https://proxy.example.com/webapp/?pin=1234&name=a";
  r.user_agent = "Mozilla/5.0";
  r.status = 200;
  r.body_bytes = 512;
  r.duration = 16ms;
  r.attempts = &kAttempts;
  return r;
}

std::string line(AccessFormat format, const AccessRecord& record) {
  std::string out;
  append_line(out, format, record);
  return out;
}

} // namespace

TEST_CASE("the pexip format is the appliance's, two spaces after the time included") {
  CHECK(line(AccessFormat::pexip, sample()) ==
        "203.0.113.7 - - [01/Mar/2026:12:00:00 +0000]  \"POST "
        "/api/client/v2/conferences/x/request_token HTTP/1.1\" "
        "200 512 \"https://proxy.example.com/webapp/?pin=[FILTERED]&name=a\" \"Mozilla/5.0\" "
        "\"10.40.0.10:443, 10.40.0.11:443\" \"-, 200\" \"0.003, 0.012\"");
}

TEST_CASE("what is missing is a dash") {
  AccessRecord r = sample();
  r.attempts = nullptr;
  r.referer = r.user_agent = {};
  r.version = Version::http_2;
  CHECK(line(AccessFormat::pexip, r) ==
        "203.0.113.7 - - [01/Mar/2026:12:00:00 +0000]  \"POST "
        "/api/client/v2/conferences/x/request_token HTTP/2.0\" "
        "200 512 \"-\" \"-\" \"-\" \"-\" \"-\"");
  r.method = {};
  CHECK(line(AccessFormat::combined, r) ==
        "203.0.113.7 - - [01/Mar/2026:12:00:00 +0000] \"-\" 200 512 \"-\" \"-\"");
}

TEST_CASE("the json format is one object") {
  CHECK(
      line(AccessFormat::json, sample()) ==
      R"({"time":"2026-03-01T12:00:00Z","client":"203.0.113.7","method":"POST",)"
      R"("target":"/api/client/v2/conferences/x/request_token","version":"HTTP/1.1","status":200,"bytes":512,)"
      R"("seconds":0.016,"referer":"https://proxy.example.com/webapp/?pin=[FILTERED]&name=a",)"
      R"("user_agent":"Mozilla/5.0","backends":[{"address":"10.40.0.10:443","status":0,"seconds":0.003},)"
      R"({"address":"10.40.0.11:443","status":200,"seconds":0.012}]})");
}

TEST_CASE("rule 15: secrets in query strings are filtered") {
  CHECK(filtered("/x?token=abc&y=1") == "/x?token=[FILTERED]&y=1");
  CHECK(filtered("/x?code=1&state=2&token=3&pin=4&data=5") ==
        "/x?code=[FILTERED]&state=[FILTERED]&token=[FILTERED]&pin=[FILTERED]&data=[FILTERED]");
  CHECK(filtered("/x?PIN=1234") == "/x?PIN=[FILTERED]");
  CHECK(filtered("/x?pin=12=34&a=b") == "/x?pin=[FILTERED]&a=b");
  CHECK(filtered("/x?a=b;token=c;d=e") == "/x?a=b;token=[FILTERED];d=e");
  CHECK(filtered("/x#token=c") == "/x#token=[FILTERED]");
  CHECK(filtered("token=c") == "token=[FILTERED]");
  CHECK(filtered("/x?pin=") == "/x?pin=[FILTERED]");
  CHECK(filtered("/x?spinner=1&pinned=2") == "/x?spinner=1&pinned=2");
  CHECK(filtered("/x?a=pin=3") == "/x?a=pin=[FILTERED]");
  CHECK(filtered("=") == "=");
  CHECK(filtered("") == "");
}

TEST_CASE("nothing a client sends ends its line or its field") {
  AccessRecord r = sample();
  r.user_agent = "a\" \"b\n\x7f\\\xc3\xa9";
  const auto text = line(AccessFormat::pexip, r);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(text.find(R"("a\x22 \x22b\x0A\x7F\x5C\xC3\xA9")") != std::string::npos);
  CHECK(line(AccessFormat::json, r).find(R"("a\" \"b\u000a\u007f\\\u00c3\u00a9")") !=
        std::string::npos);
}

TEST_CASE("the extended format is combined, with the id, the seconds and the attempts behind it") {
  AccessRecord r = sample();
  r.request_id = "0123456789abcdef";
  CHECK(line(AccessFormat::extended, r) ==
        line(AccessFormat::combined, r) +
            " 0123456789abcdef 0.016 \"10.40.0.10:443 0 0.003, 10.40.0.11:443 200 0.012\"");
  r.request_id = {};
  r.attempts = nullptr;
  CHECK(line(AccessFormat::extended, r) == line(AccessFormat::combined, r) + " - 0.016 \"-\"");
}

TEST_CASE("the request's id stands in JSON, and never in the formats that other programs read") {
  AccessRecord r = sample();
  const std::string pexip = line(AccessFormat::pexip, r);
  const std::string combined = line(AccessFormat::combined, r);
  CHECK_FALSE(line(AccessFormat::json, r).contains("request_id"));
  r.request_id = "0123456789abcdef";
  CHECK(line(AccessFormat::json, r).contains(",\"request_id\":\"0123456789abcdef\""));
  CHECK(line(AccessFormat::pexip, r) == pexip);
  CHECK(line(AccessFormat::combined, r) == combined);
}
