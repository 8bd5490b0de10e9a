#include "libcore/config/written.h"

#include <algorithm>

#include "libcore/base/text.h"

namespace config {

std::string quoted_json(std::string_view text) {
  std::string out = "\"";
  core::append_escaped(out, text);
  return out + '"';
}

Written written_number(const Shape& shape, std::uint64_t number) {
  if (number == kNoLimit) number = 0;
  return shape.kind == Shape::Kind::size ? quoted_json(size_to_text(number))
                                         : std::to_string(number);
}

Written written(const Shape& /*shape*/, const core::NetworkList& networks) {
  std::string text = "[";
  for (const core::Network& each : networks.all()) {
    text += (text.size() > 1 ? ", " : "") + quoted_json(each.to_string());
  }
  return text + "]";
}

Written written_absence(const Shape& shape) {
  const bool has_off = std::ranges::find(shape.words, "off") != shape.words.end();
  return has_off && !shape.nullable ? Written("\"off\"") : std::nullopt;
}

} // namespace config
