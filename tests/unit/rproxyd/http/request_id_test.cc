#include "rproxyd/http/request_id.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace rproxyd;

namespace {

constexpr std::string_view kHeader = "x-request-id";

ClientIdentity client(bool trusted) {
  ClientIdentity identity;
  identity.trusted = trusted;
  return identity;
}

FieldList with(std::string_view value) {
  FieldList fields;
  fields.add(kHeader, value);
  return fields;
}

} // namespace

TEST_CASE("a trusted proxy's id is kept") {
  const FieldList fields = with("5f0e-1_a.b:c=+/@Z");
  CHECK(believable_request_id(fields, kHeader, client(true)) == "5f0e-1_a.b:c=+/@Z");
}

TEST_CASE("anybody else's id is not believed") {
  const FieldList fields = with("abc");
  CHECK_FALSE(believable_request_id(fields, kHeader, client(false)));
}

TEST_CASE("a trusted proxy's id is taken to its limit, and not past it") {
  CHECK(believable_request_id(with(std::string(kMaxRequestId, 'a')), kHeader, client(true)));
  CHECK_FALSE(
      believable_request_id(with(std::string(kMaxRequestId + 1, 'a')), kHeader, client(true)));
}

TEST_CASE("an id that could be taken for something else is not kept") {
  for (const auto* bad : {"", "a b", "a,b", "<p>", "a\"b", "a\x80", "a;b", "a'b", "{a}"}) {
    CHECK_FALSE(believable_request_id(with(bad), kHeader, client(true)));
  }
  FieldList two = with("a");
  two.add(kHeader, "b");
  CHECK_FALSE(believable_request_id(two, kHeader, client(true)));
  CHECK_FALSE(believable_request_id({}, kHeader, client(true)));
}

TEST_CASE("the node gets one id, whatever the client called its own") {
  FieldList fields = with("forged");
  fields.add("x_request_id", "forged");
  fields.add("x-request_id", "forged");
  fields.add("x-request-ids", "kept");
  set_request_id(fields, kHeader, "ours");
  CHECK(fields.size() == 2);
  CHECK(fields.find(kHeader) == "ours");
  CHECK(fields.find("x-request-ids") == "kept");
}
