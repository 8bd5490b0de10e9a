// Requests over HTTP/2 that are refused (proxy rules 1 to 11).
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "rproxyd/http/h1_parser.h"
#include "tests/unit/rproxyd/http/h2_client.h"

namespace rproxyd::test {

using namespace std::literals;

TEST_CASE("h2, rule 10: fields are limited by number, cookie crumbs counted one by one") {
  MessageLimits limits;
  limits.header_count = 6;
  CHECK(request(get_block({{"cookie", "a"}, {"cookie", "b"}}), limits)
            .first[0]
            .starts_with("request 1 GET"));
  check_answered(get_block({{"cookie", "a"}, {"cookie", "b"}, {"cookie", "c"}}), 431, limits);
}

TEST_CASE("h2, rule 10: fields are limited by size, with 32 bytes for each (RFC 9113 6.5.2)") {
  MessageLimits limits;
  limits.header_bytes = 4 * 32 + 40 + 32 + 11; // pseudo-header fields, and one of 11 bytes
  CHECK(request(get_block({{"name", "0123456"}}), limits).first[0].starts_with("request 1 GET"));
  check_answered(get_block({{"name", "01234567"}}), 431, limits);
}

TEST_CASE(
    "h2, rule 10: a table of fields that swells on our side is counted as it swells (HTTP/2 "
    "Bomb)") {
  Client client;
  // One entry of 4000 bytes in the dynamic table, named again by one byte each (RFC 7541 section 6.1).
  std::string swelling = get_block() + "\x40" + literal("bomb", std::string(4000, 'a')).substr(1) +
                         std::string(8000, '\xbe');
  client.feed(headers(1, swelling));
  CHECK(client.take() == Lines{"refused GET /p 431"});
  CHECK(client.sent()[0].starts_with("HEADERS 1 :status=431"));
}

TEST_CASE("h2, rule 9: CONTINUATION frames are limited (CVE-2024-28182)") {
  Client client;
  std::string input = headers(1, get_block(), 0);
  for (std::size_t i = 0; i < H2FloodGuard::kContinuations; ++i)
    input += frame(NGHTTP2_CONTINUATION, 0, 1, literal("x", "y"));
  client.feed(input);
  CHECK(client.events.floods.empty());
  client.feed(frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, literal("x", "y")));
  CHECK(client.events.floods == Lines{"continuations"});
  CHECK(client.sent().back() == "GOAWAY 1 ENHANCE_YOUR_CALM");
  CHECK(client.session.finished());
  CHECK(client.take().empty());
}

TEST_CASE(
    "h2, rule 11: fields with bytes that no field may have reset the stream (RFC 9113 8.2.1)") {
  check_reset(get_block({{"x", "a\rb"}}));
  check_reset(get_block({{"x", "a\nb"}}));
  check_reset(get_block({{"x", "a\0b"sv}}));
  check_reset(get_block({{"x", "a\r\nTransfer-Encoding: chunked"}}));
  check_reset(get_block({{"x", " a"}}));
  check_reset(get_block({{"x", "a "}}));
  check_reset(get_block({{"x\r\ny", "a"}}));
  check_reset(get_block({{"x:y", "a"}}));
  check_reset(get_block({{"x y", "a"}}));
  check_reset(get_block({{"", "a"}}));
  check_reset(get_block({{"X", "a"}}));
}

TEST_CASE("h2, rule 11: connection headers reset the stream (RFC 9113 8.2.2)") {
  for (const auto* name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
    check_reset(get_block({{name, "x"}}));
  check_reset(get_block({{"te", "gzip"}}));
  CHECK(request(get_block({{"te", "trailers"}})).first ==
        Lines{"request 1 GET /p at a te=trailers body none end"});
}

TEST_CASE(
    "h2, rule 11: pseudo-header fields that are missing, repeated, unknown or late reset the "
    "stream (RFC 9113 8.3)") {
  check_reset(block({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}}));
  check_reset(block({{":method", "GET"}, {":path", "/"}, {":authority", "a"}}));
  check_reset(block({{":scheme", "https"}, {":path", "/"}, {":authority", "a"}}));
  check_reset(block({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}));
  for (const auto* name : {":method", ":scheme", ":authority", ":path"})
    check_reset(get_block({}) + literal(name, "/"));
  check_reset(get_block({}) + literal(":status", "200"));
  check_reset(get_block({}) + literal(":protocol", "websocket"));
  check_reset(block(
      {{":method", "GET"}, {":scheme", "https"}, {"x", "y"}, {":authority", "a"}, {":path", "/"}}));
  check_reset(block({{":method", ""}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
  check_reset(
      block({{":method", "GET POST"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
}

TEST_CASE("h2, rule 11: a :path with a space, a control byte or no slash is refused") {
  for (const auto& path : {"/a b"sv, "/a\r\nb"sv, "/a\tb"sv, ""sv, "a"sv, "*"sv, "https://a/"sv,
                           "/a#b"sv, "/\x80"sv, "/\x7f"sv, "/a HTTP/1.1\r\nX: y\r\n"sv}) {
    CAPTURE(path);
    const auto [events, frames] = request(
        block({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", path}}));
    CHECK(events.size() == 1);
    CHECK(events[0].starts_with("refused"));
    CHECK(events[0].ends_with("400"));
    CHECK((frames[0] == "RST_STREAM 1 PROTOCOL_ERROR" ||
           frames[0].starts_with("HEADERS 1 :status=400")));
  }
}

TEST_CASE(
    "h2, rule 11: :authority and Host must agree, and either may stand alone (RFC 9113 8.3.1)") {
  CHECK(request(get_block({{"host", "A"}})).first == Lines{kRequestOfGet});
  check_answered(get_block({{"host", "b"}}), 400);
  check_reset(get_block({{"host", ""}}));
  CHECK(request(block({{":method", "GET"}, {":scheme", "https"}, {":path", "/p"}, {"host", "a"}}))
            .first == Lines{kRequestOfGet});
  check_reset(get_block({{"host", "a"}, {"host", "a"}}));
  check_answered(
      block({{":method", "GET"}, {":scheme", "https"}, {":authority", "user@a"}, {":path", "/p"}}),
      400);
  check_answered(
      block({{":method", "GET"}, {":scheme", "https"}, {":path", "/p"}, {"host", "a:x"}}), 400);
}

TEST_CASE("h2, rule 1: a Content-Length that is not plain digits, or is there twice, is refused") {
  for (const auto* value : {"+1", "1_0", "0x1", "", "a", "-1", "1,1", "99999999999999999999"}) {
    CAPTURE(value);
    const auto [events, frames] = request(post_block({{"content-length", value}}));
    CHECK(events.size() == 1);
    CHECK(events[0].starts_with("refused"));
  }
  check_reset(post_block({{"content-length", "0"}, {"content-length", "0"}}));
}

TEST_CASE("h2, rule 4: names with an underscore are dropped, kept or refused as set") {
  MessageLimits limits;
  const std::string with_one = get_block({{"x_y", "1"}, {"x", "2"}});
  CHECK(request(with_one, limits).first == Lines{"request 1 GET /p at a x=2 body none end"});
  limits.underscore_names = UnderscoreNames::keep;
  CHECK(request(with_one, limits).first == Lines{"request 1 GET /p at a x_y=1 x=2 body none end"});
  limits.underscore_names = UnderscoreNames::refuse;
  check_answered(with_one, 400, limits);
}

TEST_CASE("h2: methods, schemes and expectations that are not served have their own status") {
  check_answered(block({{":method", "CONNECT"}, {":authority", "a:443"}}), 405);
  check_answered(
      block({{":method", "TRACE"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}),
      405);
  check_answered(
      block({{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}}), 400);
  check_answered(post_block({{"expect", "a pony"}}), 417);
}

TEST_CASE(
    "h2: a target of the allowed size is taken, and a longer one refused (RFC 9110 15.5.15)") {
  for (const std::size_t size : {H1Parser::kTargetBytes, H1Parser::kTargetBytes + 1}) {
    const std::string path = "/" + std::string(size - 1, 'a');
    const std::string fields =
        block({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", path}});
    Client client;
    client.feed(headers(1, fields.substr(0, 16384), kEndStream) +
                frame(NGHTTP2_CONTINUATION, 0, 1, fields.substr(16384, 16384)) +
                frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, fields.substr(32768)));
    if (size == H1Parser::kTargetBytes) {
      CHECK(client.events.open == 1);
    } else {
      CHECK(client.events.refused_status == 414);
    }
  }
}

TEST_CASE("h2: a body over the limit is refused, announced or not (RFC 9110 15.5.14)") {
  MessageLimits limits;
  limits.body_bytes = 5;
  Client announced(limits);
  announced.feed(headers(1, post_block({{"content-length", "6"}}), kEndHeaders));
  CHECK(announced.take() == Lines{"refused POST /p 413"});
  CHECK(announced.sent().back().ends_with(" END"));

  Client open(limits);
  open.feed(headers(1, post_block(), kEndHeaders) + data(1, "hello"));
  CHECK(open.sent().empty());
  open.feed(data(1, "!"));
  CHECK(open.take() == Lines{"request 1 POST /p at a body open", "body 1 hello",
                             "refused POST /p 413", "closed 1 broken"});
  const auto frames = open.sent();
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].starts_with("HEADERS 1 :status=413"));
  CHECK(frames[1].ends_with(" END"));
}

TEST_CASE("h2, rule 6: trailers are filtered, and count against the limits") {
  Client client;
  client.feed(headers(1, post_block(), kEndHeaders) +
              headers(1, block({{"x-sum", "1"}, {"host", "b"}, {"x-forwarded-for", "1"}})));
  CHECK(client.take() == Lines{"request 1 POST /p at a body open", "end 1 x-sum=1"});

  MessageLimits limits;
  limits.header_count = 5;
  Client many(limits);
  many.feed(headers(1, post_block(), kEndHeaders) + headers(1, block({{"a", "1"}, {"b", "1"}})));
  CHECK(many.take() ==
        Lines{"request 1 POST /p at a body open", "refused POST /p 431", "closed 1 broken"});
}

} // namespace rproxyd::test
