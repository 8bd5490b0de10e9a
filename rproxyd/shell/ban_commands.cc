#include "rproxyd/shell/ban_commands.h"

#include <optional>

#include "libcore/event/loop.h"

namespace rproxyd {
namespace {

using admin::refusal;
using admin::text_of;
using nlohmann::json;

constexpr std::uint64_t kMostSeconds = std::uint64_t{365} * 24 * 3600;

json list(SharedGuard& guard, const core::Now& now) {
  auto bans = json::array();
  for (const Ban& ban : guard.bans(now)) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(ban.until - now.steady).count();
    bans.push_back({{"network", ban.network.to_string()},
                    {"seconds_left", left},
                    {"since", ban.since.time_since_epoch().count()},
                    {"offences", ban.offences},
                    {"by_hand", ban.by_hand},
                    {"tokens_only", ban.tokens_only},
                    {"room", ban.room}});
  }
  return {{"ok", true}, {"dry_run", guard.dry_run()}, {"bans", std::move(bans)}};
}

json add(SharedGuard& guard, const json& question, const ClientNetwork& network,
         const core::Now& now) {
  std::optional<core::Duration> duration;
  if (const auto seconds = question.find("seconds"); seconds != question.end()) {
    const auto number = seconds->is_number_unsigned() ? seconds->get<std::uint64_t>() : 0;
    if (number == 0 || number > kMostSeconds)
      return refusal("the time is too short or too long: 1 s to 365 d were expected");
    duration = std::chrono::seconds(number);
  }
  if (!guard.ban(network, duration, now)) return refusal("there is no room for another ban");
  return {{"ok", true}, {"network", network.to_string()}};
}

json answer(SharedGuard* guard, const json& question, const core::Now& now) {
  if (guard == nullptr) return refusal("the PIN guard is off: pin_guard.enabled is false");
  const std::string action = text_of(question, "action");
  if (action == "list") return list(*guard, now);
  if (action == "clear") return {{"ok", true}, {"lifted", guard->lift_all(now)}};

  const std::string address = text_of(question, "address");
  const auto network = parse_client_network(address);
  if (!network) {
    return refusal(address + " is not an address; expected IPv4, IPv6, or an IPv6 /64, /56 or /48");
  }
  if (action == "add") return add(*guard, question, *network, now);
  if (action != "remove") return refusal("this is no command");
  if (!guard->lift(*network, now)) return refusal(network->to_string() + " is not banned");
  return {{"ok", true}, {"network", network->to_string()}};
}

} // namespace

void add_ban_commands(admin::Commands& commands, Service& service) {
  commands.add("bans", [&service](const json& question) {
    const auto generation = service.generation();
    return answer(generation->guard.get(), question, event::read_now());
  });
}

} // namespace rproxyd
