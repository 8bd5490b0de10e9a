#include "rproxyd/shell/ban_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "libcore/base/text.h"
#include "rproxyd/guard/json_scan.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::uint64_t kMostSeconds = std::uint64_t{365} * 24 * 3600;

struct Command {
  std::string command, action, address;
  std::optional<std::uint64_t> seconds;
};

std::optional<Command> read_command(std::string_view question) {
  const auto value = scan_json(question);
  if (!value || value->kind != JsonValue::Kind::object) return std::nullopt;
  Command command;
  for_each_member(*value, [&](const std::string& key, const JsonValue& member) {
    if (key == "command") command.command = json_text(member);
    if (key == "action") command.action = json_text(member);
    if (key == "address") command.address = json_text(member);
    if (key == "seconds") command.seconds = parse_decimal(member.raw).value_or(0);
  });
  return command;
}

std::string refused(std::string_view why) {
  std::string reply = R"({"ok": false, "error": ")";
  core::append_escaped(reply, why);
  return reply + "\"}";
}

std::string list(SharedGuard& guard, const core::Now& now) {
  std::string reply = fmt::format(R"({{"ok": true, "dry_run": {}, "bans": [)", guard.dry_run());
  const char* separator = "";
  for (const Ban& ban : guard.bans(now)) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(ban.until - now.steady).count();
    fmt::format_to(std::back_inserter(reply),
                   R"({}{{"network": "{}", "seconds_left": {}, "since": {}, "offences": {}, )"
                   R"("by_hand": {}, "tokens_only": {}, "room": ")",
                   separator, ban.network.to_string(), left, ban.since.time_since_epoch().count(),
                   ban.offences, ban.by_hand, ban.tokens_only);
    core::append_escaped(reply, ban.room);
    reply += "\"}";
    separator = ", ";
  }
  return reply + "]}";
}

std::string add(SharedGuard& guard, const Command& command, const ClientNetwork& network,
                const core::Now& now) {
  std::optional<core::Duration> duration;
  if (command.seconds) {
    if (*command.seconds == 0 || *command.seconds > kMostSeconds)
      return refused("the time is too short or too long: 1 s to 365 d were expected");
    duration = std::chrono::seconds(*command.seconds);
  }
  if (!guard.ban(network, duration, now)) return refused("there is no room for another ban");
  return fmt::format(R"({{"ok": true, "network": "{}"}})", network.to_string());
}

} // namespace

std::string answer_ban_command(SharedGuard* guard, std::string_view question,
                               const core::Now& now) {
  const auto command = read_command(question);
  if (!command || command->command != "bans") return refused("this is no command");
  if (guard == nullptr) return refused("the PIN guard is off: pin_guard.enabled is false");
  if (command->action == "list") return list(*guard, now);
  if (command->action == "clear")
    return fmt::format(R"({{"ok": true, "lifted": {}}})", guard->lift_all(now));

  const auto network = parse_client_network(command->address);
  if (!network) {
    return refused(command->address +
                   " is not an address; expected IPv4, IPv6, or an IPv6 /64, /56 or /48");
  }
  if (command->action == "add") return add(*guard, *command, *network, now);
  if (command->action != "remove") return refused("this is no command");
  if (!guard->lift(*network, now)) return refused(network->to_string() + " is not banned");
  return fmt::format(R"({{"ok": true, "network": "{}"}})", network->to_string());
}

} // namespace rproxyd
