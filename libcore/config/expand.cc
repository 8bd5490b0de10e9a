#include "libcore/config/expand.h"

#include <fmt/format.h>

#include <algorithm>

namespace config {
namespace {

// As POSIX has it (XBD 8.1), lower case included.
bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

} // namespace

bool mentions_variable(std::string_view text) { return text.contains("${"); }

core::Result<std::string> expand(std::string_view text, const Surroundings& surroundings) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("$${")) {
      out += "${";
      text.remove_prefix(3);
      continue;
    }
    if (!text.starts_with("${")) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto end = text.find('}');
    const std::string name(text.substr(2, end == std::string_view::npos ? end : end - 2));
    if (end == std::string_view::npos || !is_variable_name(name)) {
      return core::failure("\"${\" does not begin the name of a variable");
    }
    const auto value = surroundings.variable(name);
    if (!value) return core::failure(fmt::format("the environment variable {} is not set", name));
    out += *value;
    text.remove_prefix(end + 1);
  }
  return out;
}

} // namespace config
