#include "libcore/program/detached_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>
#include <system_error>

#include "libcore/event/fd.h"

namespace program {
namespace {

std::vector<char*> environment(const std::vector<std::string>& without) {
  std::vector<char*> kept;
  for (char** each = ::environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    const std::string_view name = variable.substr(0, variable.find('='));
    if (std::ranges::find(without, name) == without.end()) kept.push_back(*each);
  }
  kept.push_back(nullptr);
  return kept;
}

// Between fork and exec nothing is called here that another thread may have held a lock of
// (signal-safety(7)); a signal that is meant for the parent must not run its handlers here.
[[noreturn]] void become(const char* path, char* const* arguments, char* const* environment,
                         int report) {
  for (int number = 1; number < NSIG; ++number)
    static_cast<void>(std::signal(number, SIG_DFL)); // NOLINT(bugprone-signal-handler)
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const pid_t self = ::getpid();
  if (::write(report, &self, sizeof self) == sizeof self) ::execve(path, arguments, environment);
  const int why = errno;
  static_cast<void>(!::write(report, &why, sizeof why));
  ::_exit(1);
}

template <typename Value>
std::optional<Value> read_whole(int fd) {
  Value value{};
  ssize_t size = 0;
  do size = ::read(fd, &value, sizeof value);
  while (size < 0 && errno == EINTR);
  if (size != sizeof value) return std::nullopt;
  return value;
}

std::unexpected<core::Error> failed(const std::string& path, int why) {
  return core::failure(
      fmt::format("{} can't be started: {}", path, std::generic_category().message(why)));
}

} // namespace

core::Result<pid_t> start_detached(const std::string& path,
                                   const std::vector<std::string>& arguments,
                                   const std::vector<std::string>& without) {
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), path);
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& each : words) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  const std::vector<char*> variables = environment(without);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failed(path, errno);
  const event::Fd reading(ends[0]);
  event::Fd writing(ends[1]);

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t between = ::fork();
  if (between == 0) {
    // It ends at once, which leaves its own child to the first process.
    const pid_t started = ::fork();
    if (started == 0) become(path.c_str(), pointers.data(), variables.data(), writing.get());
    ::_exit(started < 0 ? 1 : 0);
  }
  const int why = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (between < 0) return failed(path, why);
  writing.reset();
  while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  const auto started = read_whole<pid_t>(reading.get());
  if (!started) return failed(path, EAGAIN);
  if (const auto error = read_whole<int>(reading.get())) return failed(path, *error);
  return *started;
}

} // namespace program
