#include "libcore/log/repeats.h"

#include <functional>
#include <utility>

namespace logging {

bool Repeats::admit(Level level, std::string_view event, std::string_view message,
                    std::string_view fields, Time now) {
  const std::uint64_t hash =
      std::hash<std::string_view>{}(event) * 31 + std::hash<std::string_view>{}(fields);
  Place* place = nullptr; // for it, if it is new: a free one, or else that of whoever was first
  for (std::size_t probe = 0; probe < kProbes; ++probe) {
    Place& each = places_[(hash + probe) % kPlaces];
    if (each.hash == hash && each.event == event && each.message == message &&
        each.fields == fields) {
      if (each.repeated == 0 && now >= each.until) {
        each.until = now + kInterval;
        return true;
      }
      if (++each.repeated == 1) ++repeated_;
      return false;
    }
    if (each.repeated != 0) continue;
    if (place == nullptr || each.until < place->until) place = &each;
  }
  if (place == nullptr) return true;
  begin(*place, level, event, message, fields);
  place->hash = hash;
  place->until = now + kInterval;
  return true;
}

void Repeats::begin(Place& place, Level level, std::string_view event, std::string_view message,
                    std::string_view fields) {
  place.level = level;
  place.event = event;
  place.message = message;
  place.fields = fields;
}

std::vector<Repeats::Said> Repeats::take_due(Time now) {
  std::vector<Said> due;
  if (repeated_ == 0) return due;
  for (Place& place : places_) {
    if (place.repeated == 0 || now < place.until) continue;
    due.push_back(place);
    place.repeated = 0;
    place.until = now + kInterval;
    --repeated_;
  }
  return due;
}

std::vector<Repeats::Said> Repeats::take_all() {
  std::vector<Said> all;
  for (Place& place : places_) {
    if (place.repeated != 0) all.push_back(place);
    place = {};
  }
  repeated_ = 0;
  return all;
}

} // namespace logging
