// What the parser refuses, whole and in pieces. Each case is a known way to make two HTTP readers
// disagree, or a leniency that llhttp has.
#include "rproxyd/http/h1_parser.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>
#include <vector>

#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

using namespace std::literals;

// Everything that a parser says about one message given in the pieces that end at `cuts`.
Lines parse(H1Parser::Kind kind, std::string_view input, const std::vector<std::size_t>& cuts,
            const MessageLimits& limits = {}) {
  H1Parser parser(kind, limits);
  EventLog log;
  std::size_t from = 0;
  std::vector<std::size_t> ends = cuts;
  ends.push_back(input.size());
  for (const std::size_t to : ends) {
    // A copy of exactly that size, so that a read past the piece's end is seen.
    const std::vector<std::uint8_t> piece(input.begin() + static_cast<std::ptrdiff_t>(from),
                                          input.begin() + static_cast<std::ptrdiff_t>(to));
    from = to;
    core::Bytes bytes(piece);
    for (bool more = true; more;) {
      switch (parser.next(bytes)) {
        case H1Parser::Event::need_input:
          if (!bytes.empty()) log.add("left: " + std::string(core::text_of(bytes)));
          more = false;
          break;
        case H1Parser::Event::head: {
          const H1Head& head = parser.head();
          const auto body = head.chunked                      ? H1Parser::Body::chunked
                            : head.content_length             ? H1Parser::Body::length
                            : kind == H1Parser::Kind::request ? H1Parser::Body::none
                                                              : H1Parser::Body::until_close;
          log.add(fmt::format("head {}|{}|{}|{}|{}|{}", head.method, head.target, head.status,
                              to_text(head.fields), head.host.value_or("-"),
                              std::to_underlying(body)));
          parser.expect_body(body);
          break;
        }
        case H1Parser::Event::body:
          log.add_body("body ", parser.body());
          break;
        case H1Parser::Event::end:
          log.add("end" + to_text(parser.trailers()));
          break;
        case H1Parser::Event::refused:
          log.add(fmt::format("refused {}", parser.refusal().status));
          return log.lines;
      }
    }
  }
  return log.lines;
}

// The same whole, byte by byte, and cut in two at every place.
Lines parse_in_every_way(H1Parser::Kind kind, std::string_view input,
                         const MessageLimits& limits = {}) {
  const Lines whole = parse(kind, input, {}, limits);
  std::vector<std::size_t> every;
  for (std::size_t i = 1; i < input.size(); ++i) {
    every.push_back(i);
    INFO("cut at " << i);
    CHECK(parse(kind, input, {i}, limits) == whole);
  }
  CHECK(parse(kind, input, every, limits) == whole);
  return whole;
}

Lines request(std::string_view input, const MessageLimits& limits = {}) {
  return parse_in_every_way(H1Parser::Kind::request, input, limits);
}
Lines response(std::string_view input, const MessageLimits& limits = {}) {
  return parse_in_every_way(H1Parser::Kind::response, input, limits);
}

void check_refused(std::string_view input, int status = 400) {
  CAPTURE(input);
  CHECK(request(input) == Lines{fmt::format("refused {}", status)});
}

// A request with this between Host and the end of the head.
std::string with_fields(std::string_view fields) {
  return fmt::format("POST / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields);
}

const std::string kChunkedHead = with_fields("Transfer-Encoding: chunked\r\n");
const std::string kChunkedStart = "head POST|/|0||a|2";

} // namespace

TEST_CASE("a request is read the same in pieces of any size") {
  CHECK(
      request("GET /a%2Fb?c HTTP/1.1\r\nHost: example.com\r\nAccept:  */* \t\r\nEmpty:\r\n\r\n") ==
      Lines{"head GET|/a%2Fb?c|0| accept=*/* empty=|example.com|0"});
  CHECK(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello") ==
        Lines{"head POST|/|0||a|1", "body hello", "end"});
  CHECK(request(kChunkedHead + "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n") ==
        Lines{kChunkedStart, "body hello world", "end x-sum=1"});
}

TEST_CASE("an empty line before a request is skipped (RFC 9112 2.2)") {
  CHECK(request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == Lines{"head GET|/|0||a|0"});
}

TEST_CASE("rule 1: Content-Length with Transfer-Encoding is refused (RFC 9112 6.1)") {
  check_refused(with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"));
  check_refused(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"));
  check_refused(with_fields("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"));
}

TEST_CASE("rule 1: more than one Content-Length is refused (RFC 9110 8.6)") {
  check_refused(with_fields("Content-Length: 5\r\nContent-Length: 6\r\n"));
  check_refused(with_fields("Content-Length: 5\r\nContent-Length: 5\r\n"));
  check_refused(with_fields("Content-Length: 5, 5\r\n"));
}

TEST_CASE("rule 1: a Content-Length that is not plain digits is refused (RFC 9110 8.6)") {
  const auto* value =
      GENERATE("+1", "-1", "1_0", "0x1", "", "1 0", "1.0", "1e1", "a", "1a", "\xc2\xb2", "1;q",
               "\"1\"", "18446744073709551616", "99999999999999999999", "9223372036854775808");
  check_refused(with_fields(fmt::format("Content-Length: {}\r\n", value)));
}

TEST_CASE("rule 2: a Transfer-Encoding other than exactly `chunked` is refused (RFC 9112 6.1)") {
  const auto* value = GENERATE("gzip", "identity", "gzip, chunked", "chunked, gzip",
                               "chunked, chunked", "chunked,", ",chunked", "chunkedx", "xchunked",
                               "\"chunked\"", "chunked;q=1", "", "chunked chunked");
  check_refused(with_fields(fmt::format("Transfer-Encoding: {}\r\n", value)), 501);
}

TEST_CASE(
    "rule 2: a Transfer-Encoding in two fields or hidden by a control byte is refused (RFC 9112 "
    "6.1)") {
  for (const std::string_view fields :
       {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"sv,
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"sv,
        "Transfer-Encoding: \x0b"
        "chunked\r\n"sv,
        "Transfer-Encoding: chunked\x0c\r\n"sv, "Transfer-Encoding:\x00 chunked\r\n"sv,
        "Transfer-Encoding\r\n : chunked\r\n"sv, "Transfer-Encoding :chunked\r\n"sv,
        "Transfer-Encoding:\r\n chunked\r\n"sv}) {
    CAPTURE(fields);
    const Lines lines = request(with_fields(fields));
    CHECK((lines == Lines{"refused 400"} || lines == Lines{"refused 501"}));
  }
}

TEST_CASE("rule 2: `chunked` counts in any case and with white space around it") {
  CHECK(request(with_fields("Transfer-Encoding: \t ChUnKeD \r\n") + "0\r\n\r\n") ==
        Lines{kChunkedStart, "end"});
}

TEST_CASE("rule 2: Transfer-Encoding in HTTP/1.0 is refused (RFC 9112 6.1)") {
  check_refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("rule 3: a bare line feed is refused wherever it stands (RFC 9112 2.2)") {
  check_refused("GET / HTTP/1.1\nHost: a\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\n\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n");
  check_refused("GET /\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  check_refused("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("rule 3: a bare carriage return is refused wherever it stands (RFC 9112 2.2)") {
  check_refused("GET / HTTP/1.1\rHost: a\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nX: \rTransfer-Encoding: chunked\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\n\rX");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n");
  check_refused("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("rule 3: NUL and other control bytes are refused (RFC 9110 5.5)") {
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"sv);
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n"sv);
  check_refused("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv);
  for (int c = 1; c < 0x80; ++c) {
    if ((c >= 0x20 && c != 0x7f) || c == '\t' || c == '\r' || c == '\n') continue;
    check_refused(with_fields(fmt::format("X: b{}c\r\n", static_cast<char>(c))));
  }
}

TEST_CASE("bytes above ASCII and tabs inside a value are passed on (RFC 9110 5.5)") {
  CHECK(request(with_fields("X: caf\xc3\xa9\tb\r\n")) ==
        Lines{"head POST|/|0| x=caf\xc3\xa9\tb|a|0"});
}

TEST_CASE("rule 3: a folded line is refused (RFC 9112 5.2)") {
  check_refused(with_fields("X: b\r\n c\r\n"));
  check_refused(with_fields("X: b\r\n\tTransfer-Encoding: chunked\r\n"));
  check_refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n");
  check_refused(" GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("rule 3: white space before the colon is refused (RFC 9112 5.1)") {
  check_refused(with_fields("X : b\r\n"));
  check_refused(with_fields("X\t: b\r\n"));
  check_refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
  check_refused(with_fields("Content-Length : 5\r\n"));
}

TEST_CASE("rule 3: a field name that is empty or not a token is refused (RFC 9110 5.1)") {
  check_refused(with_fields(": b\r\n"));
  check_refused(with_fields("X\r\n"));
  for (const char c : std::string_view("\"(),/;<=>?@[\\]{} "))
    check_refused(with_fields(fmt::format("X{}Y: b\r\n", c)));
  check_refused(with_fields("X\x80Y: b\r\n"));
}

TEST_CASE("rule 3: a chunk's size is hexadecimal digits and nothing else (RFC 9112 7.1)") {
  const auto* size = GENERATE("", "+5", "-5", "0x5", " 5", "5 ", "g", "5h", "\t5", "5\t", "5_0",
                              "ffffffffffffffff0", "10000000000000000", "5\r", "5\x0b");
  CAPTURE(size);
  const Lines lines = request(kChunkedHead + size + "\r\nhello\r\n0\r\n\r\n");
  CHECK(lines == Lines{kChunkedStart, "refused 400"});
}

TEST_CASE("rule 3: lines of a chunked body end in CR LF alone (RFC 9112 7.1)") {
  for (const std::string_view body : {"5\nhello\r\n0\r\n\r\n"sv, "5\rhello\r\n0\r\n\r\n"sv}) {
    CHECK(request(kChunkedHead + std::string(body)) == Lines{kChunkedStart, "refused 400"});
  }
  for (const std::string_view body :
       {"5\r\nhello\n0\r\n\r\n"sv, "5\r\nhello\r0\r\n\r\n"sv, "5\r\nhello0\r\n\r\n"sv,
        "5\r\nhelloX\r\n0\r\n\r\n"sv, "5\r\nhello\r\n0\n\r\n"sv, "5\r\nhello\r\n0\r\n\n"sv,
        "5\r\nhello\r\n0\r\nX: a\n\r\n"sv, "5\r\nhello\r\n\r\n0\r\n\r\n"sv,
        "5\r\nhello\r\n 0\r\n\r\n"sv, "5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n"sv}) {
    CAPTURE(body);
    CHECK(request(kChunkedHead + std::string(body)) ==
          Lines{kChunkedStart, "body hello", "refused 400"});
  }
}

TEST_CASE("rule 3: chunk extensions are read over, and can't hide a line's end (RFC 9112 7.1.1)") {
  CHECK(request(kChunkedHead + "5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n") ==
        Lines{kChunkedStart, "body hello", "end"});
  for (const std::string_view line : {"5;a=\nb"sv, "5;a=\"\n\""sv, "5;a\rb"sv, "5;a=\"\r\""sv,
                                      "5;a\0"sv, "5;a=\"x\\\n\""sv, "5;\n"sv}) {
    CAPTURE(line);
    CHECK(request(kChunkedHead + std::string(line) + "\r\nhello\r\n0\r\n\r\n") ==
          Lines{kChunkedStart, "refused 400"});
  }
}

TEST_CASE("rule 3: chunk extensions are bounded, for one line and for the message") {
  CHECK(parse(H1Parser::Kind::request,
              kChunkedHead + "5;" + std::string(H1Parser::kChunkLineBytes, 'a') + "\r\nhello", {})
            .back() == "refused 400");
  std::string many = kChunkedHead;
  for (std::size_t sent = 0; sent <= H1Parser::kChunkExtensionBytes; sent += 1000) {
    many += "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  }
  CHECK(parse(H1Parser::Kind::request, many, {}).back() == "refused 400");
}

TEST_CASE(
    "rule 4: a request without Host, with two, or with one that is none is refused (RFC 9112 "
    "3.2)") {
  check_refused("GET / HTTP/1.1\r\n\r\n");
  check_refused("GET / HTTP/1.0\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost:\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n");
  check_refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
  check_refused("GET http://a/ HTTP/1.1\r\n\r\n");
}

TEST_CASE("rule 4: names with an underscore are dropped, kept or refused as set") {
  const std::string input = with_fields("X_Forwarded_For: 1\r\nX: 2\r\n");
  MessageLimits limits;
  CHECK(request(input, limits) == Lines{"head POST|/|0| x=2|a|0"});
  limits.underscore_names = UnderscoreNames::keep;
  CHECK(request(input, limits) == Lines{"head POST|/|0| x_forwarded_for=1 x=2|a|0"});
  limits.underscore_names = UnderscoreNames::refuse;
  CHECK(request(input, limits) == Lines{"refused 400"});
}

TEST_CASE("a request line is three words with one space between them (RFC 9112 3)") {
  check_refused("GET  / HTTP/1.1\r\nHost: a\r\n\r\n");
  check_refused("GET /  HTTP/1.1\r\nHost: a\r\n\r\n");
  check_refused("GET / HTTP/1.1 \r\nHost: a\r\n\r\n");
  check_refused("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n");
  check_refused("GET / x HTTP/1.1\r\nHost: a\r\n\r\n");
  check_refused("GET\r\nHost: a\r\n\r\n");
  check_refused("GET HTTP/1.1\r\nHost: a\r\n\r\n");
  check_refused("GET / http/1.1\r\nHost: a\r\n\r\n");
  check_refused("GET / FTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("a request line without a version is refused, with fields and a body or without") {
  check_refused("GET /\r\n\r\n");
  check_refused("GET /\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_CASE("other versions are not supported (RFC 9110 15.6.6)") {
  const auto* version =
      GENERATE("HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0", "HTTP/9.9", "HTTP/1.9");
  check_refused(fmt::format("GET / {}\r\nHost: a\r\n\r\n", version), 505);
  CHECK(request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == Lines{"refused 505"});
}

TEST_CASE("unknown methods are not implemented, and what is no method is bad (RFC 9110 9.1)") {
  check_refused("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
  check_refused("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
  check_refused("\x16\x03\x01\x02\x01");
  check_refused("@ / HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("header limits hold at the limit and refuse one past it (RFC 6585 5)") {
  MessageLimits limits;
  limits.header_count = 3;
  CHECK(request(with_fields("A: 1\r\nB: 2\r\n"), limits).size() == 1);
  CHECK(request(with_fields("A: 1\r\nB: 2\r\n"), limits)[0].starts_with("head"));
  CHECK(request(with_fields("A: 1\r\nB: 2\r\nC: 3\r\n"), limits) == Lines{"refused 431"});

  limits = {};
  limits.header_bytes = 20; // "/" "Host" "a" and 14 more
  CHECK(request(with_fields("Name: 0123456789\r\n"), limits)[0].starts_with("head"));
  CHECK(request(with_fields("Name: 01234567890\r\n"), limits) == Lines{"refused 431"});
  CHECK(parse(H1Parser::Kind::request, with_fields("A:" + std::string(4000, ' ') + "1\r\n"), {},
              limits) == Lines{"refused 431"});
}

TEST_CASE("trailers count against the header limits") {
  MessageLimits limits;
  limits.header_count = 4;
  CHECK(request(kChunkedHead + "0\r\nA: 1\r\nB: 2\r\n\r\n", limits) ==
        Lines{kChunkedStart, "end a=1 b=2"});
  CHECK(request(kChunkedHead + "0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits) ==
        Lines{kChunkedStart, "refused 431"});
}

TEST_CASE("a target of the allowed size is taken, and a longer one refused (RFC 9110 15.5.15)") {
  const std::string longest = "/" + std::string(H1Parser::kTargetBytes - 1, 'a');
  CHECK(parse(H1Parser::Kind::request, "GET " + longest + " HTTP/1.1\r\nHost: a\r\n\r\n", {})[0]
            .starts_with("head"));
  CHECK(parse(H1Parser::Kind::request, "GET " + longest + "a HTTP/1.1\r\nHost: a\r\n\r\n", {}) ==
        Lines{"refused 414"});
}

TEST_CASE(
    "a target that is longer than the whole head may be is refused as a target (RFC 9112 3)") {
  MessageLimits limits;
  limits.header_bytes = 1000;
  const std::string target = "/" + std::string(5000, 'a');
  CHECK(request("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n", limits) == Lines{"refused 414"});
}

TEST_CASE("rule 6: trailers that frame, route or identify are dropped (RFC 9110 6.5.1)") {
  CHECK(request(kChunkedHead + "0\r\nHost: b\r\nConnection: close\r\nSet-Cookie: "
                               "a\r\nAuthorization: b\r\nX-Forwarded-For: 1\r\nX-Sum: 1\r\n\r\n") ==
        Lines{kChunkedStart, "end x-sum=1"});
}

TEST_CASE("rule 6: framing fields in a trailer section are refused (RFC 9110 6.5.1)") {
  CHECK(request(kChunkedHead + "0\r\nContent-Length: 5\r\n\r\n") ==
        Lines{kChunkedStart, "refused 400"});
  CHECK(request(kChunkedHead + "0\r\nTransfer-Encoding: gzip\r\nX: 1\r\n\r\n") ==
        Lines{kChunkedStart, "refused 501"});
}

TEST_CASE("an Upgrade that is only asked for does not change how the request is framed") {
  CHECK(request(with_fields("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n") +
                "hi") ==
        Lines{"head POST|/|0| connection=Upgrade upgrade=websocket|a|1", "body hi", "end"});
  CHECK(request(with_fields(
                    "Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n") +
                "2\r\nhi\r\n0\r\n\r\n") ==
        Lines{"head POST|/|0| connection=Upgrade upgrade=websocket|a|2", "body hi", "end"});
}

TEST_CASE("an answer is read the same in pieces of any size") {
  CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello") ==
        Lines{"head ||200| server=x|-|1", "body hello", "end"});
  CHECK(response(
            "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n") ==
        Lines{"head ||200||-|2", "body hello", "end t=1"});
  CHECK(response("HTTP/1.0 404 Not here\r\n\r\nhello") == Lines{"head ||404||-|3", "body hello"});
}

TEST_CASE("rules 1 to 3: answers are framed as strictly as requests (RFC 9112 6.3)") {
  for (const std::string_view head :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"sv,
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
        "HTTP/1.1 200 OK\nServer: x\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nServer: x\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n"sv,
        "HTTP/1.1 200 O\rK\r\n\r\n"sv,
        "HTTP/1.1 200 OK\rX: a\r\n\r\n"sv,
        "HTTP/1.1 20 OK\r\n\r\n"sv,
        "HTTP/1.1 2000 OK\r\n\r\n"sv,
        "HTTP/1.1 099 OK\r\n\r\n"sv,
        "HTTP/1.1 600 OK\r\n\r\n"sv,
        "HTTP/2.0 200 OK\r\n\r\n"sv,
        "HTTP/1.1\r\n\r\n"sv,
        "\r\nHTTP/1.1 200 OK\r\n\r\n"sv,
        "ICY 200 OK\r\n\r\n"sv,
        "hello"sv,
        "HTTP/1.1  200 OK\r\n\r\n"sv}) {
    CAPTURE(head);
    const Lines lines = response(head);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("refused"));
  }
}

TEST_CASE("a parser begins a message afresh after any other") {
  const MessageLimits limits;
  H1Parser parser(H1Parser::Kind::request, limits);
  for (const std::string_view input : {"GET /a HTTP/1.0\r\nHost: a\r\nX: 1\r\n\r\n"sv,
                                       "broken\r\n\r\n"sv, "GET /b HTTP/1.1\r\nHo"sv}) {
    core::Bytes bytes = core::bytes_of(input);
    parser.next(bytes);
    parser.begin();
  }
  CHECK_FALSE(parser.begun());
  core::Bytes bytes = core::bytes_of("GET /c HTTP/1.1\r\nHost: c\r\n\r\n");
  REQUIRE(parser.next(bytes) == H1Parser::Event::head);
  CHECK(parser.head().target == "/c");
  CHECK(parser.head().host == "c");
  CHECK(parser.head().fields.empty());
  CHECK(parser.head().version == Version::http_1_1);
}

} // namespace rproxyd::test
