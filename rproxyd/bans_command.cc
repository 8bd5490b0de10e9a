#include "rproxyd/bans_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "libcore/admin/client.h"
#include "libcore/base/text.h"
#include "libcore/config/surroundings.h"
#include "libcore/config/units.h"
#include "libcore/program/command_line.h"
#include "rproxyd/guard/json_scan.h"
#include "rproxyd/http/text.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {
namespace {

int refused(std::string_view why) {
  fmt::print(stderr, "rproxyd: {}\n", why);
  return program::kRefused;
}

// nullopt: the file can't be read, which has been said, or it names no socket.
std::optional<std::string> socket_of(const std::string& config_file) {
  if (config_file.empty()) return Settings{}.admin.socket;
  const auto loaded = load(config_file, config::SystemSurroundings());
  if (loaded) return loaded->settings.admin.socket;
  std::fputs(config::report(config_file, loaded.error()).c_str(), stderr);
  return std::nullopt;
}

struct Reply {
  bool ok = false;
  std::string error = {};
  std::string network = {};
  std::string lifted = {};
  bool dry_run = false;
  std::optional<JsonValue> bans = {};
};

Reply read_reply(std::string_view text) {
  Reply reply;
  const auto value = scan_json(text);
  if (!value) return {.error = "the daemon's answer can't be read"};
  for_each_member(*value, [&](const std::string& key, const JsonValue& member) {
    if (key == "ok") reply.ok = member.raw == "true";
    if (key == "error") reply.error = json_text(member);
    if (key == "network") reply.network = json_text(member);
    if (key == "lifted") reply.lifted = member.raw;
    if (key == "dry_run") reply.dry_run = member.raw == "true";
    if (key == "bans") reply.bans = member;
  });
  return reply;
}

void print_ban(const JsonValue& ban) {
  std::string network;
  std::string left;
  std::string offences;
  std::string room;
  bool by_hand = false;
  for_each_member(ban, [&](const std::string& key, const JsonValue& member) {
    if (key == "network") network = json_text(member);
    if (key == "seconds_left") left = member.raw;
    if (key == "offences") offences = member.raw;
    if (key == "by_hand") by_hand = member.raw == "true";
    if (key == "room") core::append_escaped(room, json_text(member));
  });
  fmt::print("{:<24} {:>8} s  {:>4}  {}\n", network, left, offences, by_hand ? "by hand" : room);
}

void print_bans(const JsonValue& bans, bool dry_run) {
  if (dry_run) fmt::print("A dry run: nobody is refused.\n");
  fmt::print("{:<24} {:>10}  {:>4}  {}\n", "NETWORK", "LEFT", "BANS", "ROOM");
  for_each_member(bans, [](const std::string&, const JsonValue& ban) { print_ban(ban); });
}

} // namespace

BansCommand::BansCommand(CLI::App& app)
    : bans_(app.add_subcommand("bans", "list, add and lift bans of the running daemon")) {
  bans_->require_subcommand(0, 1);
  bans_->fallthrough(); // --config
  bans_->add_option("--socket", socket_, "the daemon's admin socket, instead of --config")
      ->type_name("FILE");
  bans_->add_flag("--json", json_, "as the daemon says it, for scripts");
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
  std::string question = R"({"command": "bans", "action": ")";
  question += add_->parsed()      ? "add"
              : remove_->parsed() ? "remove"
              : clear_->parsed()  ? "clear"
                                  : "list";
  question += R"(", "address": ")";
  core::append_escaped(question, address_);
  question += '"';
  if (!duration_.empty()) {
    const auto duration = config::parse_duration(duration_);
    if (!duration || *duration < std::chrono::seconds(1)) {
      fmt::print(stderr, "rproxyd: --for: \"{}\" is no time; expected \"90s\", \"10m\", \"24h\"\n",
                 duration_);
      return program::kUsage;
    }
    question += fmt::format(", \"seconds\": {}",
                            std::chrono::duration_cast<std::chrono::seconds>(*duration).count());
  }
  question += '}';

  const auto socket = socket_.empty() ? socket_of(config_file) : socket_;
  if (!socket) return refused("no admin socket is configured: admin.socket is null");
  const auto answer = admin::ask(*socket, question);
  if (!answer) return refused(answer.error().text);
  const Reply reply = read_reply(*answer);
  if (json_) fmt::print("{}\n", *answer);
  if (!reply.ok) return json_ ? program::kRefused : refused(reply.error);
  if (json_) return 0;
  if (reply.bans) {
    print_bans(*reply.bans, reply.dry_run);
  } else if (clear_->parsed()) {
    fmt::print("{} lifted\n", reply.lifted);
  } else {
    fmt::print("{} {}\n", reply.network, add_->parsed() ? "banned" : "lifted");
  }
  return 0;
}

} // namespace rproxyd
