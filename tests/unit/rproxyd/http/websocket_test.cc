#include "rproxyd/http/websocket.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

namespace rproxyd {
namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

RequestHead handshake(Version version = Version::http_1_1) {
  RequestHead head;
  head.version = version;
  head.method = "GET";
  head.upgrade = kWebSocket;
  head.fields.add("sec-websocket-version", "13");
  if (version == Version::http_1_1) head.fields.add("sec-websocket-key", kKey);
  return head;
}

std::uint16_t refused_with(const RequestHead& head) {
  const auto refusal = check_web_socket(head);
  return refusal ? refusal->status : 0;
}

} // namespace

TEST_CASE("the key and the accept value of RFC 6455 section 1.3") {
  const std::string_view sample = "the sample nonce";
  WebSocketNonce nonce{};
  std::ranges::copy(sample, nonce.begin());
  CHECK(web_socket_key(nonce) == kKey);
  CHECK(web_socket_accept(kKey) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a handshake as RFC 6455 section 4.2.1 wants it may pass") {
  CHECK(refused_with(handshake()) == 0);
  CHECK(refused_with(handshake(Version::http_2)) == 0); // RFC 8441: no key
}

TEST_CASE("a handshake that isn't one is refused") {
  RequestHead post = handshake();
  post.method = "POST";
  CHECK(refused_with(post) == 400);

  RequestHead with_body = handshake();
  with_body.body = {BodySize::Kind::length, 5};
  CHECK(refused_with(with_body) == 400);
  with_body.body = {BodySize::Kind::open, 0};
  CHECK(refused_with(with_body) == 400);
}

TEST_CASE("a handshake has one key of 16 bytes") {
  for (const std::string_view key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=a",
                                     "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZSBu,25jZQ=="}) {
    CAPTURE(key);
    RequestHead head = handshake();
    head.fields.remove("sec-websocket-key");
    head.fields.add("sec-websocket-key", key);
    CHECK(refused_with(head) == 400);
  }
  RequestHead none = handshake();
  none.fields.remove("sec-websocket-key");
  CHECK(refused_with(none) == 400);
  RequestHead two = handshake();
  two.fields.add("sec-websocket-key", kKey);
  CHECK(refused_with(two) == 400);
}

TEST_CASE("another version than 13 is told so (RFC 6455 section 4.4)") {
  for (const Version version : {Version::http_1_1, Version::http_2}) {
    RequestHead head = handshake(version);
    head.fields.remove("sec-websocket-version");
    CHECK(refused_with(head) == 426);
    head.fields.add("sec-websocket-version", "8");
    CHECK(refused_with(head) == 426);
    head.fields.add("sec-websocket-version", "13");
    CHECK(refused_with(head) == 426);
  }
}

} // namespace rproxyd
