#include "rproxyd/proxy/local_answer.h"

#include <fmt/format.h>

namespace rproxyd {
namespace {

LocalAnswer text_answer(std::uint16_t status, std::string body) {
  LocalAnswer answer{.head = {}, .body = std::move(body)};
  answer.head.status = status;
  answer.head.fields.add("content-type", "text/plain; charset=utf-8");
  answer.head.fields.add("x-content-type-options", "nosniff");
  answer.head.body = {.kind = BodySize::Kind::length, .length = answer.body.size()};
  return answer;
}

} // namespace

LocalAnswer error_answer(std::uint16_t status, std::string_view text) {
  auto answer = text_answer(status, fmt::format("{} {}\n", status, text));
  answer.head.fields.add("cache-control", "no-store");
  return answer;
}

LocalAnswer redirect_answer(std::uint16_t status, std::string_view location) {
  auto answer = text_answer(status, fmt::format("{} {}\n", status, location));
  answer.head.fields.add("location", location);
  return answer;
}

} // namespace rproxyd
