#include "rproxyd/guard/guard_answer.h"

#include <fmt/format.h>

#include <algorithm>

namespace rproxyd {

LocalAnswer guard_answer(std::uint16_t status, core::Duration retry_after) {
  const auto seconds =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(retry_after).count());
  LocalAnswer answer;
  answer.body = fmt::format(
      "{{\"status\":\"failure\",\"result\":\"Too many attempts. Try again in {} seconds.\"}}\n",
      seconds);
  answer.head.status = status;
  answer.head.fields.add("content-type", "application/json");
  answer.head.fields.add("cache-control", "no-store");
  answer.head.fields.add("x-content-type-options", "nosniff");
  answer.head.fields.add("retry-after", fmt::format("{}", seconds));
  answer.head.body = {.kind = BodySize::Kind::length, .length = answer.body.size()};
  return answer;
}

} // namespace rproxyd
