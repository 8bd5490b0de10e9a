#include "libcore/config/words.h"

namespace config {

std::vector<std::string> elements_of(std::string_view text) {
  constexpr std::string_view kBetween = ", \t\r\n";
  std::vector<std::string> elements;
  while (true) {
    const auto start = text.find_first_not_of(kBetween);
    if (start == std::string_view::npos) return elements;
    text.remove_prefix(start);
    elements.emplace_back(text.substr(0, text.find_first_of(kBetween)));
    text.remove_prefix(elements.back().size());
  }
}

} // namespace config
