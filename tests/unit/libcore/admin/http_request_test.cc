#include "libcore/admin/http_request.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using admin::RequestReader;
using State = RequestReader::State;

namespace {

// In as many pieces as there are bytes, so that nothing depends on how they come.
State read(RequestReader& reader, std::string_view text) {
  State state = State::incomplete;
  for (std::size_t i = 0; i < text.size(); ++i)
    state = reader.feed(core::bytes_of(text.substr(i, 1)));
  return state;
}

unsigned refusal_of(std::string_view text) {
  RequestReader reader;
  return read(reader, text) == State::refused ? reader.refused_with() : 0;
}

std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n";
}

} // namespace

TEST_CASE("a request is whole with its body") {
  RequestReader reader;
  const std::string head =
      "POST /command?a=1 HTTP/1.1\r\nHost: localhost\r\nX-Two:  b \r\nContent-Length: 4\r\n\r\n";
  CHECK(read(reader, head + "bod") == State::incomplete);
  CHECK(read(reader, "y") == State::complete);
  CHECK(reader.request().method == "POST");
  CHECK(reader.request().path == "/command");
  CHECK(reader.request().query == "a=1");
  CHECK(reader.request().field("host") == "localhost");
  CHECK(reader.request().field("x-two") == "b");
  CHECK(reader.request().field("absent").empty());
  CHECK(reader.request().body == "body");
  CHECK(read(reader, "GET / HTTP/1.1\r\n") == State::complete);
}

TEST_CASE("a request that isn't HTTP, or not for this server, is refused") {
  CHECK(refusal_of("HELO there\r\n\r\n") == 400);
  CHECK(refusal_of("GET http://example.com/ HTTP/1.1\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\nHost: a\n\n") == 400);
  CHECK(refusal_of("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") ==
        400);
}

TEST_CASE("a field that decides who may do what stands once") {
  for (const std::string name : {"Host", "Authorization", "Origin", "Cookie", "Sec-Fetch-Site"})
    CHECK(refusal_of(get(name + ": a\r\nX-Other: b\r\n" + name + ": c\r\n")) == 400);
  CHECK(refusal_of(get("X-Other: a\r\nX-Other: b\r\n")) == 0);
}

TEST_CASE("heads, fields and bodies have limits") {
  const std::string room(RequestReader::kMaxHeadBytes - std::string("GET/xxxx").size(), 'a');
  CHECK(refusal_of(get("xxxx: " + room + "\r\n")) == 0);
  CHECK(refusal_of(get("xxxx: " + room + "a\r\n")) == 431);
  CHECK(refusal_of("GET /" + std::string(RequestReader::kMaxHeadBytes, 'a')) == 431);

  std::string fields;
  for (std::size_t i = 0; i < RequestReader::kMaxFields; ++i) fields += "a: b\r\n";
  CHECK(refusal_of(get(fields)) == 0);
  CHECK(refusal_of(get(fields + "a: b\r\n")) == 431);

  const auto post = [](std::size_t size) {
    return "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  CHECK(refusal_of(post(RequestReader::kMaxBodyBytes)) == 0);
  CHECK(refusal_of(post(RequestReader::kMaxBodyBytes + 1)) == 413);
  std::string chunk = "4001\r\n" + std::string(RequestReader::kMaxBodyBytes + 1, 'a');
  CHECK(refusal_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk) == 413);
}
