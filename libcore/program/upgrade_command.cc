#include "libcore/program/upgrade_command.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "libcore/admin/wire.h"
#include "libcore/event/fd.h"

namespace program {
namespace {

using nlohmann::json;

constexpr int kAskEvery = 50; // milliseconds

json start(logging::Logger& log, const Starter& starter) {
  const auto started = starter.start();
  if (!started) return admin::refusal(started.error().text);
  log.info("upgrade.begin", "a new process was started, to take over",
           logging::field("program", starter.program()), logging::field("process", *started));
  return {{"ok", true}, {"pid", *started}};
}

bool has_ended(const event::Fd& process, int within) {
  if (!process) return true;
  pollfd waited{.fd = process.get(), .events = POLLIN, .revents = 0};
  return ::poll(&waited, 1, within) > 0;
}

} // namespace

void add_upgrade_command(admin::Commands& commands, logging::Logger& log, const Starter& starter) {
  // Over the socket alone: whoever holds a token of the admin address starts no processes.
  commands.add_for_socket("upgrade", [&log, &starter](const json&, int socket) {
    admin::write_line(socket, admin::to_line(start(log, starter)));
  });
}

UpgradeCommand::UpgradeCommand(std::string program, CLI::App& app)
    : command_(app.add_subcommand(
          "upgrade",
          "the running daemon starts the program that is installed now, which takes over; "
          "nobody is cut")),
      daemon_(std::move(program), *command_) {}

int UpgradeCommand::upgrade(const std::string& socket) const {
  const auto answer = ask_daemon(socket, {{"command", "upgrade"}});
  if (!answer) {
    return daemon_.refused(
        fmt::format("the running daemon starts no successor: {}", answer.error().text));
  }
  const auto pid = answer->value("pid", pid_t{0});
  const event::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    const auto status = ask_daemon(socket, {{"command", "status"}});
    if (status && status->value("pid", pid_t{0}) == pid && text_of(*status, "state") == "serving") {
      if (daemon_.json()) {
        print_json(*answer);
      } else {
        fmt::print("{} {}, process {}, serves\n", daemon_.program(), text_of(*status, "version"),
                   pid);
      }
      return 0;
    }
    if (has_ended(process, kAskEvery)) {
      return daemon_.refused(fmt::format(
          "the new process, {}, has ended, and its log says why; the one that ran serves on", pid));
    }
  }
  return daemon_.refused(
      fmt::format("process {} has not taken over within {} s; the one that ran serves on", pid,
                  std::chrono::duration_cast<std::chrono::seconds>(kPatience).count()));
}

} // namespace program
