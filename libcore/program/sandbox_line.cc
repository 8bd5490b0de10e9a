#include "libcore/program/sandbox_line.h"

#include <fmt/format.h>

#include "libcore/base/text.h"
#include "libcore/program/running_daemon.h"

namespace program {
namespace {

using nlohmann::json;

} // namespace

std::string sandbox_lines(const json& status, const Terminal& terminal) {
  const auto found = status.find("sandbox");
  if (found == status.end()) return "";
  const json& sandbox = *found;
  std::string capabilities;
  for (const json& each : sandbox.value("capabilities", json::array())) {
    if (!capabilities.empty()) capabilities += ", ";
    core::append_escaped(capabilities, each.get_ref<const std::string&>());
  }
  std::string text =
      fmt::format("Runs as {} with {}; no_new_privs {}, seccomp {}, Landlock {}, core dumps {}.\n",
                  text_of(sandbox, "user"), capabilities.empty() ? "no capability" : capabilities,
                  text_of(sandbox, "no_new_privileges"), text_of(sandbox, "seccomp"),
                  text_of(sandbox, "landlock"), text_of(sandbox, "core_dumps"));
  for (const json& each : sandbox.value("remarks", json::array())) {
    text += styled("sandbox", Style::warning, terminal) + ": ";
    core::append_escaped(text, each.get_ref<const std::string&>());
    text += '\n';
  }
  return text;
}

} // namespace program
