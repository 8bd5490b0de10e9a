#include "turnd/status_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "libcore/base/text.h"
#include "libcore/program/amounts.h"
#include "libcore/program/command_line.h"
#include "libcore/program/sandbox_line.h"
#include "libcore/program/table.h"
#include "libcore/program/terminal.h"
#include "turnd/settings/settings.h"

namespace turnd {
namespace {

using nlohmann::json;
using program::Style;
using program::Table;
using program::Terminal;

std::string printable(const json& value) {
  std::string text;
  core::append_escaped(text, value.get_ref<const std::string&>());
  return text;
}

std::string number(const json& value) { return program::grouped(value.get<std::uint64_t>()); }

Table::Column left(const char* title) { return {.title = title}; }
Table::Column right(const char* title) {
  return {.title = title, .side = Table::Side::right, .shortest = Table::kWhole, .rank = 0};
}

std::string head(const json& status, const Terminal& terminal) {
  const std::string state = status.at("state");
  const auto uptime = std::chrono::seconds(status.at("uptime_seconds").get<std::int64_t>());
  return fmt::format(
      "turnd {}, {} for {}, process {}, {} workers, {}\n", printable(status.at("version")),
      program::styled(state, state == "serving" ? Style::good : Style::warning, terminal),
      program::time_span(uptime), status.at("pid").get<int>(), status.at("workers").get<unsigned>(),
      printable(status.at("configuration").at("file")));
}

std::string warnings(const json& status, const Terminal& terminal) {
  std::string text;
  for (const auto& each : status.at("warnings")) {
    text +=
        program::styled("warning", Style::warning, terminal) +
        fmt::format(": {} (since {})\n", printable(each.at("text")), printable(each.at("since")));
  }
  return text;
}

std::string figures(const json& status, const Terminal& terminal) {
  const json& totals = status.at("totals");
  const json& allocations = status.at("allocations");
  Table now({left("NOW"), right("")});
  now.add({"allocations", number(allocations.at("total"))});
  for (const auto& [transport, count] : allocations.at("by_transport").items()) {
    if (count != 0) now.add({"  over " + transport, number(count)});
  }
  now.add({"permissions", number(allocations.at("permissions"))});
  now.add({"channels", number(allocations.at("channels"))});
  const json offload = status.value("offload", json::object());
  const bool in_kernel = offload.value("active", false);
  if (in_kernel) now.add({"  relayed in the kernel", number(offload.at("channels"))});
  now.add({"connections of clients", number(status.at("gauges").at("connections"))});

  Table since({left("SINCE THE START"), right("")});
  for (const auto& [label, name] :
       {std::pair{"allocations", "allocations"}, std::pair{"packets to peers", "packets_to_peers"},
        std::pair{"packets to clients", "packets_to_clients"}}) {
    since.add({label, number(totals.at(name))});
    if (in_kernel && offload.contains(name))
      since.add({"  in the kernel", number(offload.at(name))});
  }
  since.add({"bytes to peers", program::byte_amount(totals.at("bytes_to_peers"))});
  since.add({"bytes to clients", program::byte_amount(totals.at("bytes_to_clients"))});
  for (const auto& [label, name] :
       {std::pair{"requests", "requests"}, std::pair{"requests refused", "requests_refused"},
        std::pair{"logins failed", "logins_failed"},
        std::pair{"packets dropped", "packets_dropped"}, std::pair{"packets lost", "packets_lost"},
        std::pair{"handshakes failed", "handshakes_failed"}}) {
    since.add({label, number(totals.at(name))});
  }
  const json loads = status.value("loads", json::object());
  if (loads.value("known", false)) {
    since.add({"sent to less busy servers", number(loads.at("sent_to_less_busy"))});
  }
  for (const auto& [reason, count] : status.at("dropped").items()) {
    since.add({"  dropped: " + reason, number(count)});
  }
  return now.text(terminal) + '\n' + since.text(terminal);
}

std::string places(const json& status, const Terminal& terminal) {
  Table listeners({left("LISTENER"), left("ADDRESS"), right("CONNECTIONS")});
  for (const auto& each : status.at("listeners")) {
    const bool has_connections = each.at("transport") != "udp";
    listeners.add({printable(each.at("transport")), printable(each.at("address")),
                   has_connections ? number(each.at("connections")) : "-"});
  }
  Table relays({left("RELAY ADDRESS"), right("PORTS USED"), right("OF")});
  for (const auto& each : status.at("relay")) {
    relays.add(
        {printable(each.at("address")), number(each.at("ports_used")), number(each.at("ports"))});
  }
  std::string text = listeners.text(terminal) + '\n' + relays.text(terminal);
  Table certificates({left("CERTIFICATE"), left("NAMES"), left("UNTIL"), right("DAYS LEFT")});
  for (const auto& each : status.at("certificates")) {
    std::string names;
    for (const auto& name : each.at("names")) {
      if (!names.empty()) names += ", ";
      names += printable(name);
    }
    certificates.add({printable(each.at("file")), names, printable(each.at("not_after")),
                      std::to_string(each.at("days_left").get<std::int64_t>())});
  }
  if (!certificates.empty()) text += '\n' + certificates.text(terminal);
  return text;
}

} // namespace

StatusCommand::StatusCommand(CLI::App& app)
    : status_(app.add_subcommand("status", "what the running daemon is doing")),
      daemon_("turnd", *status_) {
  status_->add_flag("--ready", ready_,
                    "say nothing; the exit code is 0 while the daemon takes new work, as /readyz");
}

int StatusCommand::run(const std::string& config_file) const {
  const auto socket = daemon_.socket(config_file, load);
  if (!socket) return program::kRefused;
  const auto status = program::ask_daemon(*socket, {{"command", "status"}});
  if (!status) return daemon_.refused(status.error().text);
  if (ready_) {
    const std::string state = program::text_of(*status, "state");
    return state == "serving" ? 0 : daemon_.refused(state);
  }
  if (daemon_.json()) {
    program::print_json(*status);
    return 0;
  }
  const Terminal terminal = Terminal::of_output();
  fmt::print("{}{}{}\n{}\n{}", head(*status, terminal), program::sandbox_lines(*status, terminal),
             warnings(*status, terminal), figures(*status, terminal), places(*status, terminal));
  return 0;
}

} // namespace turnd
