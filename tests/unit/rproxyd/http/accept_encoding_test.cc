#include "rproxyd/http/accept_encoding.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace rproxyd;

namespace {

std::string accepted(std::initializer_list<std::string_view> values) {
  FieldList fields;
  for (const auto value : values) fields.add("accept-encoding", value);
  const auto codings = accepted_codings(fields);
  return std::string(codings.br ? "br " : "") + (codings.gzip ? "gzip" : "");
}

} // namespace

TEST_CASE("RFC 9110 section 12.5.3: codings that a client takes") {
  CHECK(accepted({}).empty());
  CHECK(accepted({""}).empty());
  CHECK(accepted({"gzip, deflate, br"}) == "br gzip");
  CHECK(accepted({"GZIP"}) == "gzip");
  CHECK(accepted({"x-gzip"}) == "gzip");
  CHECK(accepted({"identity"}).empty());
  CHECK(accepted({"gzip", "br"}) == "br gzip");
  CHECK(accepted({"*"}) == "br gzip");
}

TEST_CASE("RFC 9110 section 12.4.2: a weight of 0 says no") {
  CHECK(accepted({"gzip;q=0, br;q=1.0"}) == "br ");
  CHECK(accepted({"gzip; Q=0.000, *"}) == "br ");
  CHECK(accepted({"br;q=0.001"}) == "br ");
  CHECK(accepted({"*;q=0, gzip"}) == "gzip");
}
