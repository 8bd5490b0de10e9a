#include "rproxyd/proxy/conferencing_paths.h"

#include <algorithm>
#include <array>

#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

// "webapp", "webapp2": the web app's versions side by side.
bool is_webapp(std::string_view segment) {
  constexpr std::string_view kName = "webapp";
  return segment.starts_with(kName) && std::ranges::all_of(segment.substr(kName.size()), is_digit);
}

} // namespace

bool is_branding_path(std::string_view segment) {
  const auto allowed = [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_' || c == '-';
  };
  return !segment.empty() && std::ranges::all_of(segment, allowed);
}

bool is_conferencing_path(std::string_view path, std::span<const std::string> branding_paths) {
  constexpr std::array<std::string_view, 3> kFirst{"api", "static", "teams"};
  if (!path.starts_with('/')) return false;
  const std::string_view first = path.substr(1, path.find('/', 1) - 1);
  return std::ranges::find(kFirst, first) != kFirst.end() || is_webapp(first) ||
         std::ranges::find(branding_paths, first) != branding_paths.end();
}

} // namespace rproxyd
