#include "rproxyd/guard/fleet_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "libcore/base/text.h"
#include "rproxyd/guard/json_scan.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::int64_t kMostMilliseconds = 4'102'444'800'000; // the year 2100

std::string_view word_of(std::string_view& line) {
  const auto space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(std::min(space + 1, line.size()));
  return word;
}

} // namespace

std::optional<FleetSaid> read_said(std::string_view line) {
  FleetSaid said;
  const auto number = parse_decimal(word_of(line));
  const auto time = parse_decimal(word_of(line));
  said.kind = word_of(line);
  said.id = word_of(line);
  said.what = word_of(line);
  said.payload = line;
  if (!number || !time || *time > std::uint64_t{kMostMilliseconds} || said.id.empty())
    return std::nullopt;
  said.number = *number;
  said.time = static_cast<std::int64_t>(*time);
  return said;
}

core::Duration fleet_length(std::int64_t milliseconds) {
  return std::chrono::milliseconds(std::clamp<std::int64_t>(milliseconds, 0, kMostMilliseconds));
}

core::TimePoint fleet_time(std::int64_t milliseconds) {
  return core::TimePoint(fleet_length(milliseconds));
}

std::int64_t milliseconds_of(core::TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::string write_attempt(const PinAttempt& attempt, unsigned tallies) {
  std::string text = fmt::format("{{\"client\":\"{}\",\"pin\":{},\"in\":{},\"room\":\"",
                                 attempt.client.to_string(), attempt.carries_pin, tallies);
  core::append_escaped(text, attempt.room);
  text += "\",\"extension\":\"";
  core::append_escaped(text, attempt.extension);
  text += "\"}";
  return text;
}

std::optional<FleetAttempt> read_attempt(std::string_view text) {
  const auto root = scan_json(text);
  if (!root || root->kind != JsonValue::Kind::object) return std::nullopt;
  FleetAttempt read;
  std::optional<core::IpAddress> client;
  for_each_member(*root, [&](const std::string& key, const JsonValue& member) {
    if (key == "client") client = core::IpAddress::parse(json_text(member));
    if (key == "pin") read.attempt.carries_pin = member.raw == "true";
    if (key == "in") {
      read.tallies =
          static_cast<unsigned>(parse_decimal(member.raw).value_or(0)) & PinGuard::kAllTallies;
    }
    if (key == "room") read.attempt.room = json_text(member);
    if (key == "extension") read.attempt.extension = json_text(member);
  });
  if (!client) return std::nullopt;
  read.attempt.client = *client;
  return read;
}

std::string write_ban(const Ban& ban) {
  std::string text = fmt::format(
      "{{\"network\":\"{}\",\"until\":{},\"since\":{},\"offences\":{},\"tokens_only\":{},"
      "\"by_hand\":{},\"room\":\"",
      ban.network.to_string(), std::max<std::int64_t>(milliseconds_of(ban.until), 0),
      std::max<std::int64_t>(ban.since.time_since_epoch().count(), 0), ban.offences,
      ban.tokens_only, ban.by_hand);
  core::append_escaped(text, ban.room);
  text += "\"}";
  return text;
}

std::optional<Ban> read_ban(std::string_view text) {
  const auto root = scan_json(text);
  if (!root || root->kind != JsonValue::Kind::object) return std::nullopt;
  std::optional<ClientNetwork> network;
  std::optional<std::uint64_t> until;
  Ban ban;
  std::uint64_t since = 0;
  for_each_member(*root, [&](const std::string& key, const JsonValue& member) {
    const auto number = parse_decimal(member.raw);
    if (key == "network") network = parse_client_network(json_text(member));
    if (key == "until") until = number;
    if (key == "since") since = number.value_or(0);
    if (key == "offences") {
      ban.offences =
          static_cast<unsigned>(std::clamp<std::uint64_t>(number.value_or(1), 1, 1'000'000));
    }
    if (key == "tokens_only") ban.tokens_only = member.raw == "true";
    if (key == "by_hand") ban.by_hand = member.raw == "true";
    if (key == "room") ban.room = json_text(member);
  });
  constexpr auto kMost = std::uint64_t{kMostMilliseconds};
  if (!network || !until || *until > kMost || since > kMost / 1000) return std::nullopt;
  ban.network = *network;
  ban.until = fleet_time(static_cast<std::int64_t>(*until));
  ban.since = core::WallTime(std::chrono::seconds(since));
  return ban;
}

std::string write_entrant(const ClientNetwork& network, std::string_view door) {
  return network.to_string() + ' ' + std::string(door);
}

std::optional<std::pair<ClientNetwork, std::string>> read_entrant(std::string_view text) {
  const auto network = parse_client_network(word_of(text));
  if (!network) return std::nullopt;
  return std::pair(*network, std::string(text));
}

} // namespace rproxyd
