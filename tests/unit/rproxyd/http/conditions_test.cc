#include "rproxyd/http/conditions.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <utility>

#include "rproxyd/http/http_date.h"

using namespace rproxyd;
using namespace std::chrono_literals;

namespace {

const core::WallTime kNow{std::chrono::seconds(1'700'000'000)};
const core::WallTime kModified = kNow - 24h;
const std::string kDate = http_date(kModified);
const std::string kBefore = http_date(kModified - 1s);
const std::string kAfter = http_date(kModified + 1s);

FieldList with(std::initializer_list<std::pair<std::string_view, std::string>> fields) {
  FieldList list;
  for (const auto& [name, value] : fields) list.add(name, value);
  return list;
}

Condition check(std::initializer_list<std::pair<std::string_view, std::string>> fields) {
  return check_conditions(with(fields), {.etag = "\"a\"", .modified = kModified}, kNow);
}

} // namespace

TEST_CASE("RFC 9110 section 13.1.2: If-None-Match compares weakly") {
  CHECK(check({}) == Condition::proceed);
  CHECK(check({{"if-none-match", "\"a\""}}) == Condition::not_modified);
  CHECK(check({{"if-none-match", "W/\"a\""}}) == Condition::not_modified);
  CHECK(check({{"if-none-match", "\"b\", W/\"c\", \"a\""}}) == Condition::not_modified);
  CHECK(check({{"if-none-match", "\"b\""}, {"if-none-match", "\"a\""}}) == Condition::not_modified);
  CHECK(check({{"if-none-match", "*"}}) == Condition::not_modified);
  CHECK(check({{"if-none-match", "\"b\""}}) == Condition::proceed);
}

TEST_CASE("RFC 9110 section 13.1.3: If-Modified-Since counts without If-None-Match alone") {
  CHECK(check({{"if-modified-since", kDate}}) == Condition::not_modified);
  CHECK(check({{"if-modified-since", kAfter}}) == Condition::not_modified);
  CHECK(check({{"if-modified-since", kBefore}}) == Condition::proceed);
  CHECK(check({{"if-modified-since", "yesterday"}}) == Condition::proceed);
  CHECK(check({{"if-modified-since", kDate}, {"if-none-match", "\"b\""}}) == Condition::proceed);
}

TEST_CASE("RFC 9110 section 13.1.1: If-Match compares strongly") {
  CHECK(check({{"if-match", "\"a\""}}) == Condition::proceed);
  CHECK(check({{"if-match", "*"}}) == Condition::proceed);
  CHECK(check({{"if-match", "W/\"a\""}}) == Condition::failed);
  CHECK(check({{"if-match", "\"b\""}}) == Condition::failed);
  CHECK(check({{"if-match", "\"b\""}, {"if-none-match", "\"a\""}}) == Condition::failed);
}

TEST_CASE("RFC 9110 section 13.1.4: If-Unmodified-Since counts without If-Match alone") {
  CHECK(check({{"if-unmodified-since", kDate}}) == Condition::proceed);
  CHECK(check({{"if-unmodified-since", kBefore}}) == Condition::failed);
  CHECK(check({{"if-unmodified-since", kBefore}, {"if-match", "\"a\""}}) == Condition::proceed);
}

TEST_CASE("RFC 9110 section 13.1.5: If-Range needs a strong validator") {
  const auto wanted = [](const std::string& value, core::WallTime now = kNow) {
    return range_is_wanted(with({{"if-range", value}}), {.etag = "\"a\"", .modified = kModified},
                           now);
  };
  CHECK(range_is_wanted({}, {.etag = "\"a\"", .modified = kModified}, kNow));
  CHECK(wanted("\"a\""));
  CHECK_FALSE(wanted("W/\"a\""));
  CHECK_FALSE(wanted("\"b\""));
  CHECK(wanted(kDate));
  CHECK_FALSE(wanted(kAfter));
  CHECK_FALSE(wanted(kBefore));
  CHECK_FALSE(wanted(kDate, kModified)); // it may have changed again within this second
  CHECK_FALSE(wanted("yesterday"));
}
