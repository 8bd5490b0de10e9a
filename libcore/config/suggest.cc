#include "libcore/config/suggest.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace config {
namespace {

constexpr std::size_t kLongestWord = 64; // longer ones have no suggestion
constexpr std::size_t kShortestBeginning = 3;

} // namespace

// Optimal string alignment, three rows at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::optional<std::string_view> found;
  for (const auto candidate : known) {
    const auto distance = edit_distance(word, candidate);
    // Of a very short word nothing would be left.
    if (distance < best && distance < std::min(word.size(), candidate.size())) {
      best = distance;
      found = candidate;
    }
  }
  if (!found && word.size() >= kShortestBeginning) {
    const auto begins = std::ranges::find_if(
        known, [&](std::string_view candidate) { return candidate.starts_with(word); });
    if (begins != known.end()) found = *begins;
  }
  return found;
}

} // namespace config
