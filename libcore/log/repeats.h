// Lines that say the same again: the first is written, those of the next kInterval are counted, and
// at its end one line says how many there were. What makes two lines the same is the event and all of
// its field()s; a detail() may differ.
//
// The table has so many places; when those that a line could have are taken by others that have been
// repeated, it is written. Time is an argument; not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/log/level.h"

namespace logging {

class Repeats {
 public:
  using Time = std::chrono::sys_time<std::chrono::milliseconds>;

  static constexpr std::chrono::seconds kInterval{30};
  static constexpr std::size_t kPlaces = 512;
  static constexpr std::size_t kProbes = 8;

  struct Said {
    Level level = Level::info;
    std::string event; // empty: a free place
    std::string message;
    std::string fields; // as they stand in the line
    std::uint64_t repeated = 0;
  };

  // Whether the line is to be written. If not, it has been counted.
  bool admit(Level level, std::string_view event, std::string_view message, std::string_view fields,
             Time now);
  // Those that were repeated and whose interval is over; each begins another interval.
  std::vector<Said> take_due(Time now);
  std::vector<Said> take_all(); // at the end, or before the form of the fields changes
  bool any() const { return repeated_ != 0; } // that take_all() would give

 private:
  struct Place : Said {
    std::uint64_t hash = 0;
    Time until{};
  };

  static void begin(Place& place, Level level, std::string_view event, std::string_view message,
                    std::string_view fields);

  std::array<Place, kPlaces> places_{};
  std::size_t repeated_ = 0; // places with a count
};

} // namespace logging
