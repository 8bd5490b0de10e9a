#include "rproxyd/settings/header_text.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "libcore/config/parsers.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {
namespace {

using config::Value;

std::optional<std::string> header_name(const Value& value) {
  // What says where a message ends, or is for one connection: the proxy's own affair.
  constexpr std::array<std::string_view, 8> kOurs{
      "connection", "content-length", "date",    "keep-alive",
      "te",         "trailer",        "upgrade", "transfer-encoding"};
  auto name = config::text_up_to(value, config::kMaxTextBytes);
  if (!name) return std::nullopt;
  std::ranges::transform(*name, name->begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (!std::ranges::all_of(*name, allowed)) {
    value.refuse("is not the name of a header field", "letters, digits and \"-\"");
    return std::nullopt;
  }
  if (std::ranges::find(kOurs, *name) != kOurs.end()) {
    value.refuse("is set by the proxy itself", "another header field");
    return std::nullopt;
  }
  return name;
}

} // namespace

std::optional<std::string> header_value(const Value& value) {
  auto text = config::text_up_to(value, config::kMaxTextBytes);
  if (!text) return std::nullopt;
  if (std::ranges::all_of(*text, [](char c) { return c >= ' ' && c <= '~'; })) return text;
  value.refuse("is not the value of a header field", "ASCII alone");
  return std::nullopt;
}

std::optional<std::optional<std::string>> request_id_header(const Value& value) {
  auto name = header_name(value);
  if (config::Shape* shape = value.asked()) {
    shape->words = {"off"};
    shape->name = "header name that ends in `-Id`";
  }
  if (!name) return std::nullopt;
  if (*name == "off") return std::optional<std::string>();
  // What a mistake would hit otherwise: Host, Cookie, what frames and forwards.
  if (name->ends_with("-id") && !name->contains('_')) return name;
  value.refuse("is not a header that carries an id", "one that ends in \"-Id\", or \"off\"");
  return std::nullopt;
}

std::optional<std::vector<Settings::HeaderField>> header_fields(const Value& value) {
  const auto map = config::map_of(config::named("name", header_name),
                                  config::named("value", header_value), kMaxAnswerHeaders)(value);
  if (!map) return std::nullopt;
  std::vector<Settings::HeaderField> fields;
  for (const auto& [name, content] : *map) fields.push_back({name, content});
  return fields;
}

} // namespace rproxyd
