#include "turnd/ask_daemon.h"

#include <fmt/format.h>

#include <cstdio>

#include "libcore/admin/client.h"
#include "libcore/admin/commands.h"
#include "libcore/config/surroundings.h"
#include "libcore/program/command_line.h"
#include "turnd/settings/settings.h"

namespace turnd {

std::optional<std::string> admin_socket(const std::string& given, const std::string& config_file) {
  if (!given.empty()) return given;
  std::optional<std::string> socket = Settings().admin.socket;
  if (!config_file.empty()) {
    const auto loaded = load(config_file, config::SystemSurroundings());
    if (!loaded) {
      std::fputs(config::report(config_file, loaded.error()).c_str(), stderr);
      return std::nullopt;
    }
    socket = loaded->settings.admin.socket;
  }
  if (!socket) refused({"no admin socket is configured: admin.socket is null"});
  return socket;
}

core::Result<nlohmann::json> ask_daemon(const std::string& socket, const nlohmann::json& question) {
  const auto reply = admin::ask(socket, admin::to_line(question));
  if (!reply) return std::unexpected(reply.error());
  auto answer = nlohmann::json::parse(*reply, nullptr, false);
  if (!answer.is_object() || !answer.contains("ok")) {
    return core::failure("the daemon's answer can't be read");
  }
  if (answer["ok"] != true) return core::failure(admin::text_of(answer, "error"));
  return answer;
}

int refused(const core::Error& why) {
  fmt::print(stderr, "turnd: {}\n", why.text);
  return program::kRefused;
}

} // namespace turnd
