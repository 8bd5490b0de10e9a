#include "rproxyd/guard/token_paths.h"

#include <algorithm>

#include "rproxyd/http/text.h"
#include "rproxyd/proxy/path.h"

namespace rproxyd {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), to_lower);
  return lower;
}

} // namespace

TokenPaths::TokenPaths(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    const auto room = pattern.find(kRoom);
    patterns_.push_back({.before = lower_case(pattern.substr(0, room)),
                         .after = lower_case(pattern.substr(room + 1))});
  }
}

std::optional<std::string> TokenPaths::room_of(std::string_view target) const {
  const auto normalised = normalised_path(target);
  if (!normalised) return std::nullopt;
  std::string path = lower_case(*normalised);
  if (path.ends_with('/')) path.pop_back();
  for (const auto& [before, after] : patterns_) {
    const auto start = path.find(before);
    if (start == std::string::npos || !path.ends_with(after)) continue;
    const auto room = start + before.size();
    if (path.size() <= room + after.size()) continue;
    return room_key(std::string_view(path).substr(room, path.size() - room - after.size()));
  }
  return std::nullopt;
}

std::string room_key(std::string_view alias) {
  return lower_case(alias.substr(0, TokenPaths::kMaxRoomBytes));
}

} // namespace rproxyd
