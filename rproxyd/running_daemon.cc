#include "rproxyd/running_daemon.h"

#include <fmt/format.h>

#include <cstdio>

#include "libcore/admin/client.h"
#include "libcore/admin/commands.h"
#include "libcore/base/text.h"
#include "libcore/config/surroundings.h"
#include "libcore/program/command_line.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {
namespace {

core::Result<std::string> socket_of(const std::string& config_file) {
  auto socket = Settings{}.admin.socket;
  if (!config_file.empty()) {
    const auto loaded = load(config_file, config::SystemSurroundings());
    if (!loaded) {
      std::fputs(config::report(config_file, loaded.error()).c_str(), stderr);
      return core::failure(fmt::format("{} can't be used", config_file));
    }
    socket = loaded->settings.admin.socket;
  }
  if (!socket) return core::failure("no admin socket is configured: admin.socket is null");
  return *std::move(socket);
}

} // namespace

core::Result<nlohmann::json> ask_daemon(const std::string& config_file, const std::string& socket,
                                        const nlohmann::json& question) {
  const auto path = socket.empty() ? socket_of(config_file) : socket;
  if (!path) return std::unexpected(path.error());
  const auto line = admin::ask(*path, admin::to_line(question));
  if (!line) return std::unexpected(line.error());
  auto answer = nlohmann::json::parse(*line, nullptr, false);
  if (!answer.is_object()) return core::failure("the daemon's answer can't be read");
  return answer;
}

std::string text_of(const nlohmann::json& object, const char* key) {
  std::string text;
  core::append_escaped(text, admin::text_of(object, key));
  return text;
}

void print_json(const nlohmann::json& answer) { fmt::print("{}\n", admin::to_line(answer)); }

int refused(std::string_view why) {
  fmt::print(stderr, "rproxyd: {}\n", why);
  return program::kRefused;
}

} // namespace rproxyd
