#include "libcore/program/starter.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>

#include "libcore/program/detached_process.h"

namespace program {
namespace {

struct Answer {
  pid_t started = -1;              // or a reason
  std::array<char, 1024> why = {}; // ends with a NUL
};

std::string own_path() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size <= 0 ? "" : std::string(path.data(), static_cast<std::size_t>(size));
}

Answer start_one(const std::string& path, const std::vector<std::string>& arguments) {
  Answer answer;
  // A watchdog is kept quiet by whoever is the main process.
  if (const auto started = start_detached(path, arguments, {"WATCHDOG_PID"})) {
    answer.started = *started;
  } else {
    started.error().text.copy(answer.why.data(), answer.why.size() - 1);
  }
  return answer;
}

template <typename Value>
bool receive(int socket, Value& value) {
  ssize_t size = 0;
  do size = ::recv(socket, &value, sizeof value, 0);
  while (size < 0 && errno == EINTR);
  return size == sizeof value;
}

// The daemon alone ends it: what is meant for the daemon, a terminal's Ctrl-C or the service manager's
// signal to all processes, is not for this one.
[[noreturn]] void serve(int questions, const std::string& name, const std::string& path,
                        const std::vector<std::string>& arguments) {
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2})
    static_cast<void>(std::signal(number, SIG_IGN));
  ::prctl(PR_SET_NAME, name.c_str(), 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  for (char question = 0; receive(questions, question);) {
    const Answer answer = start_one(path, arguments);
    if (::send(questions, &answer, sizeof answer, MSG_NOSIGNAL) < 0) break;
  }
  ::_exit(0);
}

} // namespace

Starter::Starter(const std::string& name, const std::vector<std::string>& arguments)
    : program_(own_path()) {
  if (program_.empty()) {
    lacking_ = "where the program lies isn't known: /proc can't be read";
    return;
  }
  // With the first process everything ends that runs beside it.
  if (::getpid() == 1) {
    lacking_ =
        "this is the first process of its container: start a new container with `run --take-over`, "
        "which takes over from it";
    return;
  }
  const auto failed = [this](std::string_view step) {
    lacking_ = fmt::format("there is no process that could start one: {}: {}", step,
                           std::generic_category().message(errno));
  };
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    failed("socketpair");
    return;
  }
  questions_ = event::Fd(ends[0]);
  event::Fd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) failed("fork");
  if (child != 0) return;
  questions_.reset();
  serve(theirs.get(), name, program_, arguments);
}

core::Result<pid_t> Starter::start() const {
  if (!lacking_.empty()) return core::failure(lacking_);
  Answer answer;
  const char question = 0;
  if (::send(questions_.get(), &question, sizeof question, MSG_NOSIGNAL) < 0 ||
      !receive(questions_.get(), answer))
    return core::failure("the process that would start one has ended");
  if (answer.started < 0) return core::failure(answer.why.data());
  return answer.started;
}

} // namespace program
