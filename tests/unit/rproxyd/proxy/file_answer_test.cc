#include "rproxyd/proxy/file_answer.h"

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/rproxyd/proxy/files_in_memory.h"

using namespace rproxyd;

namespace {

const core::WallTime kNow{std::chrono::seconds(1'700'100'000)};

struct Asked {
  FilesInMemory files;
  FolderRules rules;
  RequestHead request;
  FileAnswer answer;

  explicit Asked(std::string content = "0123456789") {
    files.files["/f"] = {.content = std::move(content)};
    request.method = "GET";
  }
  Asked& ask(std::initializer_list<Field> fields = {}) {
    request.fields.clear();
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    FoundFile found{.file = *files.open_file("", "f"),
                    .content_type = "text/plain",
                    .coding = coding,
                    .varies = varies};
    answer = answer_with(found, request, rules, kNow);
    return *this;
  }
  std::string field(std::string_view name) const {
    return std::string(answer.head.fields.find(name).value_or("none"));
  }
  // The body, the file's bytes put in.
  std::string body() const {
    std::string all;
    for (const BodyPiece& piece : answer.pieces)
      all += piece.text + files.files.at("/f").content.substr(piece.offset, piece.length);
    return all;
  }
  std::string_view coding;
  bool varies = false;
};

} // namespace

TEST_CASE("a file is sent with what tells it apart") {
  Asked asked;
  asked.rules.cache_control = "max-age=60";
  asked.varies = true;
  asked.ask();
  CHECK(asked.answer.head.status == 200);
  CHECK(asked.answer.head.body.length == 10);
  CHECK(asked.body() == "0123456789");
  CHECK(asked.field("content-type") == "text/plain");
  CHECK(asked.field("last-modified") == "Tue, 14 Nov 2023 22:13:20 GMT");
  CHECK(asked.field("accept-ranges") == "bytes");
  CHECK(asked.field("cache-control") == "max-age=60");
  CHECK(asked.field("vary") == "Accept-Encoding");
  const std::string etag = asked.field("etag");
  SECTION("another tag after any change, and for another coding") {
    asked.coding = "gzip";
    CHECK(asked.ask().field("etag") != etag);
    CHECK(asked.field("content-encoding") == "gzip");
    asked.coding = {};
    asked.files.files["/f"].modified += std::chrono::seconds(1);
    CHECK(asked.ask().field("etag") != etag);
    CHECK(entity_tag({.size = 1, .modified_nanoseconds = 1}, "") !=
          entity_tag({.size = 1, .modified_nanoseconds = 2}, ""));
  }
  SECTION("a HEAD gets the same without the body") {
    asked.request.method = "HEAD";
    asked.ask({{"range", "bytes=0-1"}});
    CHECK(asked.answer.head.status == 200);
    CHECK(asked.answer.head.body.length == 10);
    CHECK(asked.answer.pieces.empty());
  }
  SECTION("RFC 9110 section 15.4.5: a 304 has what tells the file apart, and no body") {
    asked.ask({{"if-none-match", etag}});
    CHECK(asked.answer.head.status == 304);
    CHECK(asked.answer.pieces.empty());
    CHECK(asked.field("etag") == etag);
    CHECK(asked.field("cache-control") == "max-age=60");
    CHECK(asked.field("vary") == "Accept-Encoding");
    CHECK(asked.field("content-type") == "none");
  }
  SECTION("a condition that fails") {
    CHECK(asked.ask({{"if-match", "\"x\""}}).answer.head.status == 412);
  }
}

TEST_CASE("RFC 9110 section 15.3.7.1: one range is sent as it is") {
  Asked asked;
  asked.ask({{"range", "bytes=2-4"}});
  CHECK(asked.answer.head.status == 206);
  CHECK(asked.field("content-range") == "bytes 2-4/10");
  CHECK(asked.field("content-type") == "text/plain");
  CHECK(asked.answer.head.body.length == 3);
  CHECK(asked.body() == "234");
}

TEST_CASE("RFC 9110 section 15.3.7.2: several ranges are parts, each with its own") {
  Asked asked;
  asked.ask({{"range", "bytes=0-1,-2"}});
  CHECK(asked.answer.head.status == 206);
  CHECK(asked.field("content-range") == "none");
  const std::string type = asked.field("content-type");
  REQUIRE(type.starts_with("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(type.find('=') + 1);
  CHECK(asked.body() == fmt::format("\r\n--{0}\r\ncontent-type: text/plain\r\n"
                                    "content-range: bytes 0-1/10\r\n\r\n01"
                                    "\r\n--{0}\r\ncontent-type: text/plain\r\n"
                                    "content-range: bytes 8-9/10\r\n\r\n89"
                                    "\r\n--{0}--\r\n",
                                    boundary));
  CHECK(asked.answer.head.body.length == asked.body().size());
}

TEST_CASE("RFC 9110 section 15.5.17: a range beyond the end is told how long the file is") {
  Asked asked;
  asked.ask({{"range", "bytes=10-"}});
  CHECK(asked.answer.head.status == 416);
  CHECK(asked.field("content-range") == "bytes */10");
  CHECK(asked.body().empty());
}

TEST_CASE("a range is sent only of what If-Range names") {
  Asked asked;
  const std::string etag = asked.ask().field("etag");
  CHECK(asked.ask({{"range", "bytes=0-0"}, {"if-range", etag}}).answer.head.status == 206);
  CHECK(asked.ask({{"range", "bytes=0-0"}, {"if-range", "\"x\""}}).answer.head.status == 200);
}

TEST_CASE("an empty file is an empty answer") {
  Asked asked("");
  CHECK(asked.ask().answer.head.status == 200);
  CHECK(asked.answer.head.body.length == 0);
  CHECK(asked.body().empty());
}

TEST_CASE("RFC 9110 section 8.8.2.1: Last-Modified is not later than now") {
  Asked asked;
  asked.files.files["/f"].modified = kNow + std::chrono::hours(1);
  CHECK(asked.ask().field("last-modified") == "Thu, 16 Nov 2023 02:00:00 GMT");
}
