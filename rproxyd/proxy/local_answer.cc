#include "rproxyd/proxy/local_answer.h"

#include <fmt/format.h>

#include <utility>

namespace rproxyd {
namespace {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

} // namespace

LocalAnswer local_answer(std::uint16_t status, std::string_view content_type, std::string body) {
  LocalAnswer answer{.head = {}, .body = std::move(body)};
  answer.head.status = status;
  if (!content_type.empty()) answer.head.fields.add("content-type", content_type);
  answer.head.fields.add("x-content-type-options", "nosniff");
  answer.head.body = {.kind = BodySize::Kind::length, .length = answer.body.size()};
  return answer;
}

LocalAnswer error_answer(std::uint16_t status, std::string_view text) {
  auto answer = local_answer(status, kPlainText, fmt::format("{} {}\n", status, text));
  answer.head.fields.add("cache-control", "no-store");
  return answer;
}

LocalAnswer redirect_answer(std::uint16_t status, std::string_view location) {
  auto answer = local_answer(status, kPlainText, fmt::format("{} {}\n", status, location));
  answer.head.fields.add("location", location);
  return answer;
}

} // namespace rproxyd
