#include "libcore/program/running_daemon.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "libcore/admin/client.h"
#include "libcore/admin/commands.h"
#include "libcore/base/text.h"
#include "libcore/program/command_line.h"

namespace program {

RunningDaemon::RunningDaemon(std::string program, CLI::App& command)
    : program_(std::move(program)) {
  command.fallthrough();
  command.add_option("--socket", socket_, "the daemon's admin socket, instead of --config")
      ->type_name("FILE");
  command.add_flag("--json", json_, "as the daemon says it, for scripts");
}

int RunningDaemon::refused(std::string_view why) const {
  if (json_) print_json(admin::refusal(std::string(why)));
  fmt::print(stderr, "{}: {}\n", program_, why);
  return kRefused;
}

void RunningDaemon::refused_file(const std::string& config_file,
                                 const config::Problems& problems) const {
  std::fputs(config::report(config_file, problems).c_str(), stderr);
  refused(fmt::format("{} can't be used", config_file));
}

core::Result<nlohmann::json> ask_daemon(const std::string& socket, const nlohmann::json& question) {
  const auto line = admin::ask(socket, admin::to_line(question));
  if (!line) return std::unexpected(line.error());
  auto answer = nlohmann::json::parse(*line, nullptr, false);
  if (!answer.is_object() || !answer.contains("ok")) {
    return core::failure("the daemon's answer can't be read");
  }
  if (answer["ok"] != true) return core::failure(admin::text_of(answer, "error"));
  return answer;
}

std::string text_of(const nlohmann::json& object, std::string_view key) {
  std::string text;
  core::append_escaped(text, admin::text_of(object, key));
  return text;
}

void print_json(const nlohmann::json& answer) { fmt::print("{}\n", admin::to_line(answer)); }

} // namespace program
