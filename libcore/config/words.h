// What a variable holds, as something else than text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace config {

inline bool is_yes(std::string_view text) {
  return text == "true" || text == "yes" || text == "on" || text == "1";
}
inline bool is_no(std::string_view text) {
  return text == "false" || text == "no" || text == "off" || text == "0";
}

// A list: commas and white space stand between its elements.
std::vector<std::string> elements_of(std::string_view text);

} // namespace config
