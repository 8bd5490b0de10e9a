#include "libcore/admin/attempts.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;

namespace {

constexpr core::TimePoint kStart{1h};
core::IpAddress ip(std::string_view text) { return *core::IpAddress::parse(text); }

} // namespace

TEST_CASE("after some wrong tokens an address has to wait until the minute is over") {
  admin::Attempts attempts;
  for (unsigned i = 0; i < admin::Attempts::kMost; ++i) {
    CHECK(attempts.may_try(ip("10.0.0.1"), kStart));
    attempts.failed(ip("10.0.0.1"), kStart + std::chrono::seconds(i));
  }
  CHECK_FALSE(attempts.may_try(ip("10.0.0.1"), kStart + 59s));
  CHECK(attempts.may_try(ip("10.0.0.2"), kStart + 59s));
  CHECK(attempts.may_try(ip("10.0.0.1"), kStart + 60s));
  attempts.failed(ip("10.0.0.1"), kStart + 60s);
  CHECK(attempts.may_try(ip("10.0.0.1"), kStart + 60s));
}

TEST_CASE("an IPv6 /64 is one address") {
  admin::Attempts attempts;
  for (unsigned i = 0; i < admin::Attempts::kMost; ++i)
    attempts.failed(ip("2001:db8::" + std::to_string(i)), kStart);
  CHECK_FALSE(attempts.may_try(ip("2001:db8::ffff"), kStart));
  CHECK(attempts.may_try(ip("2001:db8:0:1::1"), kStart));
}

TEST_CASE("a full table gives up the oldest") {
  admin::Attempts attempts;
  for (unsigned i = 0; i < admin::Attempts::kMost; ++i) attempts.failed(ip("10.0.0.1"), kStart);
  for (unsigned i = 1; i < admin::Attempts::kMaxSources; ++i)
    attempts.failed(ip("10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256)),
                    kStart + 1s);
  CHECK_FALSE(attempts.may_try(ip("10.0.0.1"), kStart + 2s));
  attempts.failed(ip("10.2.0.1"), kStart + 2s);
  CHECK(attempts.may_try(ip("10.0.0.1"), kStart + 2s));
}
