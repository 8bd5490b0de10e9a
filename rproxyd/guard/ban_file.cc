#include "rproxyd/guard/ban_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "libcore/base/text.h"
#include "rproxyd/guard/json_scan.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::uint64_t kVersion = 1;

std::optional<Ban> read_ban(const JsonValue& value, const core::Now& now, core::Duration longest) {
  if (value.kind != JsonValue::Kind::object) return std::nullopt;
  std::optional<ClientNetwork> network;
  std::optional<std::uint64_t> until;
  std::uint64_t since = 0;
  std::uint64_t offences = 1;
  Ban ban;
  for_each_member(value, [&](const std::string& key, const JsonValue& member) {
    const auto number = parse_decimal(member.raw);
    if (key == "network") network = parse_client_network(json_text(member));
    if (key == "until") until = number;
    if (key == "since") since = number.value_or(0);
    if (key == "offences") offences = number.value_or(1);
    if (key == "tokens_only") ban.tokens_only = member.raw == "true";
    if (key == "by_hand") ban.by_hand = member.raw == "true";
    if (key == "room") ban.room = json_text(member);
  });
  // Seconds of the year 9999 still fit.
  constexpr std::uint64_t kMostSeconds = 253'402'300'799;
  if (!network || !until || *until > kMostSeconds || since > kMostSeconds) return std::nullopt;
  ban.network = *network;
  ban.since = core::WallTime(std::chrono::seconds(since));
  ban.offences = static_cast<unsigned>(std::clamp<std::uint64_t>(offences, 1, 1'000'000));
  const auto left = core::WallTime(std::chrono::seconds(*until)) - now.wall;
  const auto most = std::chrono::duration_cast<std::chrono::seconds>(longest);
  ban.until = now.steady + std::clamp(left, -most, most);
  return ban;
}

} // namespace

std::string write_bans(const std::vector<Ban>& bans, const core::Now& now) {
  std::string text = fmt::format("{{\"version\": {}, \"bans\": [", kVersion);
  const char* separator = "\n";
  for (const Ban& ban : bans) {
    // Rounded up: a ban does not become shorter by being kept.
    const auto left = std::chrono::ceil<std::chrono::seconds>(ban.until - now.steady);
    fmt::format_to(std::back_inserter(text),
                   "{}{{\"network\": \"{}\", \"until\": {}, \"since\": {}, \"offences\": {}, "
                   "\"tokens_only\": {}, \"by_hand\": {}, \"room\": \"",
                   separator, ban.network.to_string(),
                   std::max<std::int64_t>((now.wall + left).time_since_epoch().count(), 0),
                   std::max<std::int64_t>(ban.since.time_since_epoch().count(), 0), ban.offences,
                   ban.tokens_only, ban.by_hand);
    core::append_escaped(text, ban.room);
    text += "\"}";
    separator = ",\n";
  }
  text += "\n]}\n";
  return text;
}

std::optional<std::vector<Ban>> read_bans(std::string_view text, const core::Now& now,
                                          core::Duration longest) {
  const auto root = scan_json(text);
  if (!root || root->kind != JsonValue::Kind::object) return std::nullopt;
  std::optional<JsonValue> list;
  bool right = false;
  for_each_member(*root, [&](const std::string& key, const JsonValue& member) {
    if (key == "version") right = parse_decimal(member.raw) == kVersion;
    if (key == "bans" && member.kind == JsonValue::Kind::array) list = member;
  });
  if (!right || !list) return std::nullopt;
  std::vector<Ban> bans;
  for_each_member(*list, [&](const std::string&, const JsonValue& element) {
    auto ban = read_ban(element, now, longest);
    right = right && ban;
    if (ban) bans.push_back(*std::move(ban));
  });
  if (!right) return std::nullopt;
  return bans;
}

} // namespace rproxyd
