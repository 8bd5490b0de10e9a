#include "libcore/program/amounts.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace program {
namespace {

// Three digits at most: "9.9", "99", "999".
std::string with_unit(double value, std::string_view base) {
  constexpr std::array<std::string_view, 6> kPrefixes{"", "k", "M", "G", "T", "P"};
  std::size_t prefix = 0;
  while (value >= 999.5 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    ++prefix;
  }
  const bool decimal = prefix > 0 && value < 9.95;
  return fmt::format("{:.{}f} {}{}", value, decimal ? 1 : 0, kPrefixes[prefix], base);
}

} // namespace

std::string bit_rate(double bits_per_second) { return with_unit(bits_per_second, "bit/s"); }

std::string byte_amount(std::uint64_t bytes) { return with_unit(static_cast<double>(bytes), "B"); }

std::string time_span(std::chrono::seconds span) {
  using std::chrono::days;
  using std::chrono::duration_cast;
  using std::chrono::hours;
  using std::chrono::minutes;
  if (span < std::chrono::seconds(0)) return "0 s";
  if (span < minutes(1)) return fmt::format("{} s", span.count());
  if (span < hours(1)) {
    return fmt::format("{} min {} s", duration_cast<minutes>(span).count(),
                       (span % minutes(1)).count());
  }
  if (span < days(1)) {
    return fmt::format("{} h {} min", duration_cast<hours>(span).count(),
                       duration_cast<minutes>(span % hours(1)).count());
  }
  return fmt::format("{} d {} h", duration_cast<days>(span).count(),
                     duration_cast<hours>(span % days(1)).count());
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

} // namespace program
