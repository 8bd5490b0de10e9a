#include "rproxyd/http/ranges.h"

#include <algorithm>
#include <optional>

#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

struct Spec { // "first-last", "first-", "-suffix"
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;
};

std::optional<Spec> parse_spec(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto before = text.substr(0, dash);
  const auto after = text.substr(dash + 1);
  Spec spec{parse_decimal(before), parse_decimal(after)};
  if (spec.first.has_value() == before.empty() || spec.last.has_value() == after.empty())
    return std::nullopt;
  if (!spec.first && !spec.last) return std::nullopt;
  if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
  return spec;
}

std::optional<ByteRange> within(const Spec& spec, std::uint64_t size) {
  if (!spec.first) {
    const std::uint64_t length = std::min(spec.last.value_or(0), size);
    if (length == 0) return std::nullopt;
    return ByteRange{size - length, length};
  }
  if (*spec.first >= size) return std::nullopt;
  const std::uint64_t end = std::min(spec.last.value_or(size - 1), size - 1) + 1;
  return ByteRange{*spec.first, end - *spec.first};
}

} // namespace

RequestedRanges parse_range(std::string_view field, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!equal_ignoring_case(field.substr(0, kUnit.size()), kUnit)) return {};
  std::vector<ByteRange> ranges;
  std::size_t asked = 0;
  std::uint64_t total = 0;
  const bool malformed = any_element(field.substr(kUnit.size()), [&](std::string_view element) {
    const auto spec = parse_spec(element);
    if (!spec || ++asked > kMaxRanges) return true;
    if (const auto range = within(*spec, size)) {
      total += range->length;
      ranges.push_back(*range);
    }
    return false;
  });
  if (malformed || asked == 0) return {};
  if (ranges.empty()) return {RequestedRanges::Kind::unsatisfiable};
  if (ranges.size() > 1 && total > size) return {}; // they overlap: the whole is less
  return {RequestedRanges::Kind::satisfiable, std::move(ranges)};
}

} // namespace rproxyd
