#include "rproxyd/settings/compression.h"

#include <algorithm>
#include <optional>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "rproxyd/settings/header_text.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {
namespace {

using config::Value;

std::optional<std::string> media_type(const Value& value) {
  auto type = header_value(value);
  if (!type) return std::nullopt;
  std::ranges::transform(*type, type->begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (*type == "text/event-stream") {
    value.refuse("is never compressed", "other types");
    return std::nullopt;
  }
  if (std::ranges::count(*type, '/') == 1 && !type->contains(';') && !type->contains(' '))
    return type;
  value.refuse("is not a content type", R"("text/html", for instance, without parameters)");
  return std::nullopt;
}

} // namespace

void read_compression(const Value& value, Settings::Compression& compression) {
  config::ObjectReader object(value);
  object.read("enabled", compression.enabled, config::boolean);
  object.read("least_bytes", compression.least_bytes, config::size(kMaxLeastBytes));
  object.read("types", compression.types,
              config::list_of(config::named("content type", media_type), kMaxTypes));
  object.finish();
}

} // namespace rproxyd
