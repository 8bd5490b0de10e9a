#include "rproxyd/status_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libcore/base/text.h"
#include "libcore/program/amounts.h"
#include "libcore/program/command_line.h"
#include "libcore/program/sandbox_line.h"
#include "libcore/program/table.h"
#include "libcore/program/terminal.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {
namespace {

using nlohmann::json;
using program::Style;
using program::Table;
using program::Terminal;
using program::text_of;

constexpr auto kRight = Table::Side::right;
constexpr std::size_t kLeast = 8; // columns that are left of what gives way

std::string number_of(const json& object, const char* key) {
  return program::grouped(object.value(key, std::uint64_t{0}));
}

std::string milliseconds(const json& latency, const char* key) {
  const double value = latency.value(key, 0.0);
  return value == 0 ? "-" : fmt::format("{:.{}f} ms", value, value < 10 ? 1 : 0);
}

Style style_of_state(std::string_view state) {
  if (state == "up" || state == "serving") return Style::good;
  if (state == "down" || state == "resting") return Style::bad;
  return Style::warning;
}

std::string head(const json& status, const Terminal& terminal) {
  const std::string state = text_of(status, "state");
  const json configuration = status.value("configuration", json::object());
  const json reloads = configuration.value("reloads", json::object());
  return fmt::format(
      "rproxyd {}, {} for {}, {} workers, process {}\n{}, in force since {}; reloads: {} done, {} "
      "refused\n",
      text_of(status, "version"), styled(state, style_of_state(state), terminal),
      program::time_span(std::chrono::seconds(status.value("uptime_seconds", 0))),
      number_of(status, "workers"), status.value("pid", 0), text_of(configuration, "file"),
      text_of(configuration, "loaded"), number_of(reloads, "done"), number_of(reloads, "refused"));
}

std::string traffic(const json& status) {
  const json totals = status.value("totals", json::object());
  const json gauges = status.value("gauges", json::object());
  return fmt::format(
      "{} connections ({} HTTP/2, {} TURN), {} requests in progress, {} event streams, {} "
      "WebSockets\n{} requests so far, {} of them answered 5xx; last minute: half within {}, 99 % "
      "within {}\n",
      number_of(gauges, "connections"), number_of(gauges, "connections_http_2"),
      number_of(gauges, "turn_passages"), number_of(gauges, "requests_in_progress"),
      number_of(gauges, "event_streams"), number_of(gauges, "websockets"),
      number_of(totals, "requests"), number_of(totals, "errors"),
      milliseconds(gauges, "latency_p50_ms"), milliseconds(gauges, "latency_p99_ms"));
}

std::string guard(const json& status) {
  const json guard = status.value("guard", json::object());
  if (!guard.value("enabled", false)) return "The PIN guard is off.\n";
  std::string text =
      fmt::format("The PIN guard is on{}: {} bans in force, {} wrong PINs of {} attempts.\n",
                  guard.value("dry_run", false) ? " and refuses nobody (a dry run)" : "",
                  number_of(guard, "bans_active"), number_of(guard, "wrong_pins"),
                  number_of(guard, "attempts"));
  const json fleet = guard.value("fleet", json());
  if (!fleet.is_object()) return text;
  if (!fleet.value("shared", false))
    return text + "Redis can't be reached: it counts alone, with its share of each limit.\n";
  return text + fmt::format("Proxies that count together: {}.\n", number_of(fleet, "proxies"));
}

std::string warnings(const json& status, const Terminal& terminal) {
  Table table({{.title = "SINCE"}, {.title = "WARNING", .shortest = kLeast}});
  for (const json& each : status.value("warnings", json::array()))
    table.add({text_of(each, "since"), {text_of(each, "text"), Style::warning}});
  return table.empty() ? "" : "\n" + table.text(terminal);
}

std::string pools(const json& status, const Terminal& terminal) {
  Table table({{.title = "POOL", .shortest = kLeast},
               {.title = "NODE"},
               {.title = "STATE"},
               {.title = "BUSY", .side = kRight},
               {.title = "REQUESTS", .side = kRight, .rank = 1},
               {.title = "FAILED", .side = kRight, .rank = 2},
               {.title = "P50", .side = kRight, .rank = 4},
               {.title = "WHY", .shortest = kLeast, .rank = 3}});
  for (const json& pool : status.value("pools", json::array())) {
    for (const json& server : pool.value("servers", json::array())) {
      const std::string state = text_of(server, "state");
      table.add({text_of(pool, "name"),
                 text_of(server, "address"),
                 {state, style_of_state(state)},
                 number_of(server, "in_flight"),
                 number_of(server, "requests"),
                 number_of(server, "failures"),
                 milliseconds(server.value("latency_ms", json::object()), "p50"),
                 text_of(server, "why")});
    }
  }
  return table.empty() ? "" : "\n" + table.text(terminal);
}

std::string listeners(const json& status, const Terminal& terminal) {
  Table table({{.title = "LISTENER", .shortest = kLeast},
               {.title = "TRANSPORT"},
               {.title = "CONNECTIONS", .side = kRight}});
  for (const json& each : status.value("listeners", json::array()))
    table.add(
        {text_of(each, "address"), text_of(each, "transport"), number_of(each, "connections")});
  return "\n" + table.text(terminal);
}

std::string certificates(const json& status, const Terminal& terminal) {
  Table table({{.title = "CERTIFICATE", .shortest = kLeast},
               {.title = "NAMES", .shortest = kLeast},
               {.title = "DAYS LEFT", .side = kRight}});
  constexpr int kSoon = 14;
  for (const json& each : status.value("certificates", json::array())) {
    std::string names;
    for (const json& name : each.value("names", json::array())) {
      if (!names.empty()) names += ", ";
      core::append_escaped(names, name.get_ref<const std::string&>());
    }
    const int left = each.value("days_left", 0);
    table.add({text_of(each, "file"),
               names,
               {fmt::format("{}", left), left < kSoon ? Style::bad : Style::plain}});
  }
  return table.empty() ? "" : "\n" + table.text(terminal);
}

} // namespace

StatusCommand::StatusCommand(CLI::App& app)
    : status_(app.add_subcommand("status",
                                 "nodes, connections, bans, warnings of the running "
                                 "daemon")),
      daemon_("rproxyd", *status_) {
  status_->add_flag("--ready", ready_,
                    "say nothing; the exit code is 0 while the daemon takes new work, as /readyz");
}

int StatusCommand::run(const std::string& config_file) const {
  const auto socket = daemon_.socket(config_file, load);
  if (!socket) return program::kRefused;
  const auto answer = program::ask_daemon(*socket, {{"command", "status"}});
  if (!answer) return daemon_.refused(answer.error().text);
  if (ready_) {
    const std::string state = program::text_of(*answer, "state");
    return state == "serving" ? 0 : daemon_.refused(state);
  }
  if (daemon_.json()) {
    program::print_json(*answer);
    return 0;
  }
  const Terminal terminal = Terminal::of_output();
  const json& status = *answer;
  const std::string text = head(status, terminal) + traffic(status) + guard(status) +
                           program::sandbox_lines(status, terminal) + warnings(status, terminal) +
                           pools(status, terminal) + listeners(status, terminal) +
                           certificates(status, terminal);
  std::fputs(text.c_str(), stdout);
  return 0;
}

} // namespace rproxyd
