#include "libcore/config/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <limits>

namespace config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t value;
};

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 5> kTimeUnits{{{"ms", kSecond / 1000},
                                          {"s", kSecond},
                                          {"m", kSecond * 60},
                                          {"h", kSecond * 3600},
                                          {"d", kSecond * 3600 * 24}}};
constexpr std::array<Unit, 4> kSizeUnits{{{"B", 1},
                                          {"KiB", std::uint64_t{1} << 10},
                                          {"MiB", std::uint64_t{1} << 20},
                                          {"GiB", std::uint64_t{1} << 30}}};

// What must follow digits; nullopt also when the product is above `largest`.
template <std::size_t count>
std::optional<std::uint64_t> parse(std::string_view text, const std::array<Unit, count>& units,
                                   std::uint64_t without_unit, std::uint64_t largest) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name(end, text.data() + text.size());

  std::uint64_t unit = name.empty() ? without_unit : 0;
  for (const auto& known : units) {
    if (known.name == name) unit = known.value;
  }
  if (name.empty() && number == 0) return 0;
  if (unit == 0 || number > largest / unit) return std::nullopt;
  return number * unit;
}

template <std::size_t count>
std::string in_largest_unit(std::uint64_t value, const std::array<Unit, count>& units) {
  std::string text;
  for (const auto& unit : units) {
    if (value % unit.value == 0) text = fmt::format("{}{}", value / unit.value, unit.name);
  }
  return text;
}

} // namespace

std::optional<core::Duration> parse_duration(std::string_view text) {
  constexpr std::uint64_t kNoUnit = 0;
  const auto count = parse(text, kTimeUnits, kNoUnit, std::numeric_limits<std::int64_t>::max());
  if (!count) return std::nullopt;
  return core::Duration(static_cast<std::int64_t>(*count));
}

std::string to_text(core::Duration duration) {
  if (duration == core::Duration::zero()) return "0";
  return in_largest_unit(static_cast<std::uint64_t>(duration.count()), kTimeUnits);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::uint64_t kBytes = 1;
  return parse(text, kSizeUnits, kBytes, std::numeric_limits<std::int64_t>::max());
}

std::string size_to_text(std::uint64_t bytes) {
  return bytes == 0 ? "0" : in_largest_unit(bytes, kSizeUnits);
}

} // namespace config
