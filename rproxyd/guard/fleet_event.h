// What guards that share a Redis server say to each other, as text: attempts and bans as JSON objects,
// and lines of what was said. No PIN is ever in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rproxyd/guard/ban_list.h"
#include "rproxyd/guard/pin_guard.h"

namespace rproxyd {

// To the server: see fleet_script.h.
struct FleetWord {
  std::string kind;
  std::string id;
  std::string number = "0";
  std::string payload = {};
  std::string door = {};
};

// From it: "12 1767261600123 want a1b2:7 0 {…}".
struct FleetSaid {
  std::uint64_t number = 0;
  std::int64_t time = 0; // milliseconds, by the server's clock
  std::string_view kind; // borrowed, as all that follows, from the line
  std::string_view id;
  std::string_view what;
  std::string_view payload;
};
std::optional<FleetSaid> read_said(std::string_view line);

// A length and the server's time, as the clock that the guard goes by; none is below 0 or beyond the
// year 2100, so that sums of them fit.
core::Duration fleet_length(std::int64_t milliseconds);
core::TimePoint fleet_time(std::int64_t milliseconds);
std::int64_t milliseconds_of(core::TimePoint time);

struct FleetAttempt {
  PinAttempt attempt;
  unsigned tallies = PinGuard::kAllTallies; // in which a failure counts
};
std::string write_attempt(const PinAttempt& attempt, unsigned tallies = PinGuard::kAllTallies);
std::optional<FleetAttempt> read_attempt(std::string_view text);

std::string write_ban(const Ban& ban);
std::optional<Ban> read_ban(std::string_view text);

// Who has entered where: "203.0.113.7 demo\n".
std::string write_entrant(const ClientNetwork& network, std::string_view door);
std::optional<std::pair<ClientNetwork, std::string>> read_entrant(std::string_view text);

} // namespace rproxyd
