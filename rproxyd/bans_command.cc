#include "rproxyd/bans_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "libcore/config/units.h"
#include "libcore/program/amounts.h"
#include "libcore/program/command_line.h"
#include "libcore/program/table.h"
#include "libcore/program/terminal.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {
namespace {

using nlohmann::json;
using program::text_of;

constexpr std::size_t kLeastReason = 12; // columns of the terminal

void print_bans(const json& answer) {
  using program::Table;
  if (answer.value("dry_run", false)) fmt::print("A dry run: nobody is refused.\n");
  Table table({{.title = "NETWORK"},
               {.title = "LEFT", .side = Table::Side::right},
               {.title = "BANS", .side = Table::Side::right, .rank = 2},
               {.title = "REFUSES", .rank = 1},
               {.title = "REASON", .shortest = kLeastReason}});
  for (const json& ban : answer.value("bans", json::array())) {
    table.add(
        {text_of(ban, "network"),
         program::time_span(std::chrono::seconds(ban.value("seconds_left", 0))),
         fmt::format("{}", ban.value("offences", 0)),
         ban.value("tokens_only", false) ? "tokens" : "all",
         ban.value("by_hand", false) ? "by hand" : "wrong PINs, last at " + text_of(ban, "room")});
  }
  std::fputs(table.text(program::Terminal::of_output()).c_str(), stdout);
}

} // namespace

BansCommand::BansCommand(CLI::App& app)
    : bans_(app.add_subcommand("bans", "list, add and lift bans of the running daemon")),
      daemon_("rproxyd", *bans_) {
  bans_->require_subcommand(0, 1);
  CLI::App* list = bans_->add_subcommand("list", "who is banned (also when nothing else is asked)");
  add_ = bans_->add_subcommand("add", "ban an address, or an IPv6 /64, /56 or /48");
  remove_ = bans_->add_subcommand("remove", "lift a ban");
  clear_ = bans_->add_subcommand("clear", "lift all bans");
  for (CLI::App* each : {add_, remove_})
    each->add_option("address", address_)->required()->type_name("ADDR");
  add_->add_option("--for", duration_, "for how long, such as 10m; else as configured")
      ->type_name("TIME");
  for (CLI::App* each : {list, add_, remove_, clear_}) each->fallthrough();
}

int BansCommand::run(const std::string& config_file) const {
  json question = {{"command", "bans"},
                   {"action", add_->parsed()      ? "add"
                              : remove_->parsed() ? "remove"
                              : clear_->parsed()  ? "clear"
                                                  : "list"},
                   {"address", address_}};
  if (!duration_.empty()) {
    const auto duration = config::parse_duration(duration_);
    if (!duration || *duration < std::chrono::seconds(1)) {
      fmt::print(stderr, "rproxyd: --for: \"{}\" is no time; expected \"90s\", \"10m\", \"24h\"\n",
                 duration_);
      return program::kUsage;
    }
    question["seconds"] = std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
  }
  const auto socket = daemon_.socket(config_file, load);
  if (!socket) return program::kRefused;
  const auto answer = program::ask_daemon(*socket, question);
  if (!answer) return daemon_.refused(answer.error().text);
  if (daemon_.json()) {
    program::print_json(*answer);
  } else if (answer->contains("bans")) {
    print_bans(*answer);
  } else if (clear_->parsed()) {
    fmt::print("{} lifted\n", answer->value("lifted", 0));
  } else {
    fmt::print("{} {}\n", text_of(*answer, "network"), add_->parsed() ? "banned" : "lifted");
  }
  return 0;
}

} // namespace rproxyd
