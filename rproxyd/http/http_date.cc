#include "rproxyd/http/http_date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

using std::chrono::year;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes a date apart from its beginning; once something does not fit, nothing does.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  DateReader& word(std::string_view expected) {
    if (!rest_.starts_with(expected)) return fail();
    rest_.remove_prefix(expected.size());
    return *this;
  }
  template <std::size_t N>
  DateReader& one_of(const std::array<std::string_view, N>& words, unsigned* index = nullptr) {
    const auto found =
        std::ranges::find_if(words, [&](std::string_view w) { return rest_.starts_with(w); });
    if (found == words.end()) return fail();
    if (index) *index = static_cast<unsigned>(found - words.begin());
    return word(*found);
  }
  DateReader& number(std::size_t digits, unsigned& value) {
    const auto parsed = parse_decimal(rest_.substr(0, digits));
    if (rest_.size() < digits || !parsed) return fail();
    value = static_cast<unsigned>(*parsed);
    rest_.remove_prefix(digits);
    return *this;
  }
  DateReader& day_with_space(unsigned& value) { // " 6" or "16"
    return rest_.starts_with(' ') ? word(" ").number(1, value) : number(2, value);
  }
  bool ended() const { return good_ && rest_.empty(); }

 private:
  DateReader& fail() {
    good_ = false;
    rest_ = {};
    return *this;
  }
  std::string_view rest_;
  bool good_ = true;
};

struct Parts {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

DateReader& time_of_day(DateReader& reader, Parts& parts) {
  return reader.number(2, parts.hour)
      .word(":")
      .number(2, parts.minute)
      .word(":")
      .number(2, parts.second);
}

bool read_imf_fixdate(std::string_view text, Parts& p) { // Sun, 06 Nov 1994 08:49:37 GMT
  DateReader reader(text);
  reader.one_of(kDays).word(", ").number(2, p.day).word(" ").one_of(kMonths, &p.month);
  reader.word(" ").number(4, p.year).word(" ");
  return time_of_day(reader, p).word(" GMT").ended();
}

bool read_rfc850(std::string_view text, Parts& p) { // Sunday, 06-Nov-94 08:49:37 GMT
  DateReader reader(text);
  reader.one_of(kLongDays).word(", ").number(2, p.day).word("-").one_of(kMonths, &p.month);
  reader.word("-").number(2, p.year).word(" ");
  return time_of_day(reader, p).word(" GMT").ended();
}

bool read_asctime(std::string_view text, Parts& p) { // Sun Nov  6 08:49:37 1994
  DateReader reader(text);
  reader.one_of(kDays).word(" ").one_of(kMonths, &p.month).word(" ");
  reader.day_with_space(p.day).word(" ");
  return time_of_day(reader, p).word(" ").number(4, p.year).ended();
}

unsigned year_near(unsigned two_digits, core::WallTime now) {
  const auto today = std::chrono::floor<std::chrono::days>(now);
  const int this_year = int{std::chrono::year_month_day(today).year()};
  int full = this_year - this_year % 100 + static_cast<int>(two_digits);
  if (full > this_year + 50) full -= 100;
  return static_cast<unsigned>(full);
}

} // namespace

std::string http_date(core::WallTime when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(when - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[std::chrono::weekday(day).c_encoding()], unsigned{date.day()},
                     kMonths[unsigned{date.month()} - 1], int{date.year()}, time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::optional<core::WallTime> parse_http_date(std::string_view text, core::WallTime now) {
  Parts parts;
  if (!read_imf_fixdate(text, parts) && !read_asctime(text, parts)) {
    if (!read_rfc850(text, parts)) return std::nullopt;
    parts.year = year_near(parts.year, now);
  }
  const std::chrono::year_month_day date(year(static_cast<int>(parts.year)),
                                         std::chrono::month(parts.month + 1),
                                         std::chrono::day(parts.day));
  // A leap second is the next minute's first.
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(parts.hour) +
         std::chrono::minutes(parts.minute) + std::chrono::seconds(parts.second);
}

} // namespace rproxyd
