#include "libcore/tls/ocsp.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/libcore/tls/ocsp_response.h"

namespace {

constexpr core::WallTime kJune{
    std::chrono::sys_days{std::chrono::year{2026} / 6 / 15}.time_since_epoch()};

} // namespace

TEST_CASE("a response is read as far as stapling needs (RFC 6960 4.2.1)") {
  const auto der = ocsp_response({.serial = {0x12, 0x34},
                                  .status = 0,
                                  .this_update = "20260615000000Z",
                                  .next_update = "20260616000000Z"});
  const auto response = tls::read_ocsp_response(der);
  REQUIRE(response.has_value());
  CHECK(response->status == tls::OcspResponse::Status::good);
  CHECK(response->serial == std::vector<std::uint8_t>{0x12, 0x34});
  CHECK(response->this_update == kJune);
  CHECK(response->next_update == kJune + std::chrono::days(1));
}

TEST_CASE("a response may say revoked or unknown, and need not say when the next comes") {
  OcspFields fields{
      .serial = {1}, .status = 1, .this_update = "20260615000000Z", .next_update = ""};
  const auto revoked = tls::read_ocsp_response(ocsp_response(fields));
  REQUIRE(revoked.has_value());
  CHECK(revoked->status == tls::OcspResponse::Status::revoked);
  CHECK_FALSE(revoked->next_update);
  fields.status = 2;
  CHECK(tls::read_ocsp_response(ocsp_response(fields))->status ==
        tls::OcspResponse::Status::unknown);
}

TEST_CASE("what is no successful response is none, however it is cut") {
  const auto der = ocsp_response({.serial = {0x12, 0x34},
                                  .status = 0,
                                  .this_update = "20260615000000Z",
                                  .next_update = "20260616000000Z"});
  for (std::size_t size = 0; size < der.size(); ++size) {
    CHECK_FALSE(tls::read_ocsp_response(core::Bytes(der).first(size)));
  }
  CHECK_FALSE(tls::read_ocsp_response(std::vector<std::uint8_t>{0x30, 0x03, 0x0a, 0x01, 0x06}));
  auto longer = der;
  longer.push_back(0);
  CHECK_FALSE(tls::read_ocsp_response(longer));
}
