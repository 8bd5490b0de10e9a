#include "rproxyd/proxy/compression.h"

#include <brotli/decode.h>
#include <zlib.h>

#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "tests/unit/rproxyd/proxy/exchange_stage.h"

using namespace rproxyd;

namespace {

// What came out so far, decompressed as far as it goes.
std::string gunzipped(std::string_view bytes) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string plain(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  const int result = inflate(&stream, Z_SYNC_FLUSH);
  CHECK((result == Z_OK || result == Z_STREAM_END));
  plain.resize(plain.size() - stream.avail_out);
  inflateEnd(&stream);
  return plain;
}

std::string unbrotlied(std::string_view bytes) {
  std::string plain(1 << 20, '\0');
  BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  const auto* next = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t left = bytes.size();
  auto* into = reinterpret_cast<std::uint8_t*>(plain.data());
  std::size_t room = plain.size();
  CHECK(BrotliDecoderDecompressStream(state, &left, &next, &room, &into, nullptr) !=
        BROTLI_DECODER_RESULT_ERROR);
  plain.resize(plain.size() - room);
  BrotliDecoderDestroyInstance(state);
  return plain;
}

std::string decompressed(Coding coding, std::string_view bytes) {
  return coding == Coding::br ? unbrotlied(bytes) : gunzipped(bytes);
}

struct Asked {
  CompressionRules rules{.enabled = true, .types = {}};
  RequestHead request;
  ResponseHead answer;
  Asked() {
    request.method = "GET";
    request.target = "/webapp/";
    answer.status = 200;
    answer.fields.add("content-type", "text/html; charset=utf-8");
    answer.body = {.kind = BodySize::Kind::length, .length = 5000};
  }
  bool may() const { return may_compress(rules, request, answer); }
};

} // namespace

TEST_CASE("whatever is put in comes out within the same call, and all of it at the end") {
  for (const Coding coding : {Coding::gzip, Coding::br}) {
    std::atomic<unsigned> at_work = 0;
    auto compressor = Compressor::make(coding, at_work);
    REQUIRE(compressor);
    CHECK(at_work == 1);
    std::string out;
    const auto keep = [&](core::Bytes bytes) { out += core::text_of(bytes); };
    std::string all;
    for (const std::string& piece :
         {std::string("first"), std::string(100'000, 'x'), std::string("third")}) {
      CHECK(compressor->add(core::bytes_of(piece), keep));
      all += piece;
      CHECK(decompressed(coding, out) == all);
    }
    CHECK(compressor->finish(keep));
    CHECK(decompressed(coding, out) == all);
    CHECK(out.size() < 2000);
    compressor.reset();
    CHECK(at_work == 0);
  }
}

TEST_CASE("there are no more compressors at work than the limit says") {
  std::atomic<unsigned> at_work = kMaxCompressors - 1;
  const auto last = Compressor::make(Coding::gzip, at_work);
  CHECK(last);
  CHECK_FALSE(Compressor::make(Coding::gzip, at_work));
  CHECK(at_work == kMaxCompressors);
}

TEST_CASE("text is compressed, other types and small answers are not") {
  Asked asked;
  CHECK(asked.may());
  SECTION("off") { asked.rules.enabled = false; }
  SECTION("small") { asked.answer.body.length = 1023; }
  SECTION("no body") { asked.answer.body = {}; }
  SECTION("an event stream") {
    asked.answer.fields.remove("content-type");
    asked.answer.fields.add("content-type", "text/event-stream");
    asked.rules.types = {"text/event-stream"};
  }
  SECTION("a picture") {
    asked.answer.fields.remove("content-type");
    asked.answer.fields.add("content-type", "image/png");
  }
  SECTION("no type") { asked.answer.fields.remove("content-type"); }
  SECTION("not of one's own list") { asked.rules.types = {"text/css"}; }
  SECTION("another status") { asked.answer.status = 404; }
  SECTION("a range") { asked.answer.status = 206; }
  SECTION("compressed already") { asked.answer.fields.add("content-encoding", "gzip"); }
  SECTION("RFC 9110 section 7.7: not to be transformed") {
    asked.answer.fields.add("cache-control", "public, no-transform");
  }
  SECTION("with a digest") { asked.answer.fields.add("content-digest", "sha-256=:x:"); }
  SECTION("HTTP/1.0") { asked.request.version = Version::http_1_0; }
  SECTION("a POST") { asked.request.method = "POST"; }
  CHECK_FALSE(asked.may());
}

TEST_CASE("BREACH: nothing is compressed beside credentials") {
  Asked asked;
  SECTION("Authorization") { asked.request.fields.add("authorization", "x"); }
  SECTION("a token") { asked.request.fields.add("token", "x"); }
  SECTION("a PIN") { asked.request.fields.add("pin", "1"); }
  SECTION("a token in the query") { asked.request.target = "/a?x=1&token=y"; }
  SECTION("a cookie") { asked.request.fields.add("cookie", "session=1"); }
  SECTION("a cookie beside ours") {
    asked.request.fields.add("cookie", "vestibule_node=1; session=1");
  }
  SECTION("a cookie that is set") { asked.answer.fields.add("set-cookie", "session=1"); }
  CHECK_FALSE(asked.may());
}

TEST_CASE("our own cookie is no credential") {
  Asked asked;
  asked.request.fields.add("cookie", "vestibule_node=00ff");
  CHECK(asked.may());
}

TEST_CASE("an exchange compresses: Vary, a weak ETag, no length") {
  ExchangeStage stage;
  std::atomic<unsigned> at_work = 0;
  const CompressionRules rules{.enabled = true, .types = {}, .at_work = &at_work};
  stage.rules.compression = &rules;
  stage.request.fields.add("accept-encoding", "gzip");
  Exchange& exchange = stage.begin();
  exchange.link_open(stage, false);
  stage.take();
  auto head = ExchangeStage::answer(200);
  head.fields.add("content-type", "application/json");
  head.fields.add("etag", "\"a\"");
  exchange.on_response(head, false);
  CHECK(stage.take() == Said{"respond 200"});
  CHECK(stage.answered.fields.find("content-encoding") == "gzip");
  CHECK(stage.answered.fields.find("etag") == "W/\"a\"");
  CHECK(stage.answered.fields.find("vary") == "Accept-Encoding");
  CHECK(stage.answered.body.kind == BodySize::Kind::open);
  std::string body;
  const auto bodies = [&] {
    for (const std::string& each : stage.take())
      if (each.starts_with("body ")) body += each.substr(5);
    return gunzipped(body);
  };
  exchange.on_response_body(core::bytes_of("hello "));
  CHECK(bodies() == "hello ");
  exchange.on_response_body(core::bytes_of("world"));
  exchange.on_response_end({});
  CHECK(bodies() == "hello world");
  CHECK(exchange.record().body_bytes == body.size());
  CHECK(at_work == 0);
}

TEST_CASE("a client that takes no coding gets the answer as it is, and caches are told") {
  ExchangeStage stage;
  std::atomic<unsigned> at_work = 0;
  const CompressionRules rules{.enabled = true, .types = {}, .at_work = &at_work};
  stage.rules.compression = &rules;
  Exchange& exchange = stage.begin();
  exchange.link_open(stage, false);
  auto head = ExchangeStage::answer(200);
  head.fields.add("content-type", "application/json");
  head.fields.add("vary", "Origin");
  exchange.on_response(head, false);
  stage.take();
  exchange.on_response_body(core::bytes_of("hello"));
  CHECK(stage.take() == Said{"body hello"});
  CHECK(stage.answered.fields.has_token("vary", "accept-encoding"));
  CHECK_FALSE(stage.answered.fields.find("content-encoding"));
}
