#include "libcore/program/live_view.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "libcore/event/fd.h"
#include "libcore/event/loop.h"

namespace program {
namespace {

constexpr std::string_view kEnter =
    "\x1b[?1049h\x1b[?25l\x1b[?7l"; // other screen, no cursor, no wrap
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Signals come as something to read, so that every way out passes through the destructors below.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) sigaddset(&set, number);
    ::pthread_sigmask(SIG_BLOCK, &set, &former_);
    fd_ = event::Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() { ::pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_.get(); }
  int take() const { // 0: none is left
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo)
                                                                : 0;
  }

 private:
  sigset_t former_{};
  event::Fd fd_;
};

// Keys come at once and unseen.
class Keyboard {
 public:
  Keyboard() {
    if (::tcgetattr(STDIN_FILENO, &former_) != 0) return;
    termios raw = former_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE; // a stopped view would leave its screen behind
    there_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~Keyboard() {
    if (there_) ::tcsetattr(STDIN_FILENO, TCSANOW, &former_);
  }
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

  int fd() const { return there_ ? STDIN_FILENO : -1; } // poll(2) passes over -1
  bool wants_to_leave() {
    std::array<char, 64> keys{};
    const ssize_t count = ::read(STDIN_FILENO, keys.data(), keys.size());
    if (count <= 0) { // the terminal is gone
      there_ = false;
      return true;
    }
    return std::string_view(keys.data(), static_cast<std::size_t>(count)).find_first_of("qQ\x03") !=
           std::string_view::npos;
  }

 private:
  termios former_{};
  bool there_ = false;
};

class Screen {
 public:
  Screen() { write_all(kEnter); }
  ~Screen() { write_all(kLeave); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  static bool draw(std::string_view picture, std::size_t height) {
    std::string out(kHome);
    for (std::size_t line = 0; line < height && !picture.empty(); ++line) {
      const auto end = picture.find('\n');
      if (line > 0) out += "\r\n";
      out.append(picture.substr(0, end)).append(kClearLine);
      picture.remove_prefix(end == std::string_view::npos ? picture.size() : end + 1);
    }
    return write_all(out.append(kClearBelow));
  }
};

enum class Woken : unsigned char { by_time, by_size, to_leave };

Woken wait(const Signals& signals, Keyboard* keyboard, core::TimePoint until) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - event::read_now().steady);
    if (left.count() <= 0) return Woken::by_time;
    std::array<pollfd, 2> ready{
        {{.fd = signals.fd(), .events = POLLIN, .revents = 0},
         {.fd = keyboard != nullptr ? keyboard->fd() : -1, .events = POLLIN, .revents = 0}}};
    ::poll(ready.data(), ready.size(), static_cast<int>(left.count()));
    bool resized = false;
    while (const int number = signals.take()) {
      if (number != SIGWINCH) return Woken::to_leave;
      resized = true;
    }
    if (ready[1].revents != 0 && keyboard->wants_to_leave()) return Woken::to_leave;
    if (resized) return Woken::by_size;
  }
}

} // namespace

void show_live(const std::function<std::string(const Terminal& terminal, bool again)>& picture) {
  const Signals signals;
  core::TimePoint next = event::read_now().steady + kViewPeriod;
  if (!Terminal::of_output().interactive) {
    for (;; next += kViewPeriod) {
      const std::string text = picture({}, false);
      if (text.empty() || !write_all(text)) return;
      if (wait(signals, nullptr, next) == Woken::to_leave) return;
    }
  }
  Keyboard keyboard;
  const Screen screen;
  bool again = false;
  for (;;) {
    const Terminal terminal = Terminal::of_output();
    const std::string text = picture(terminal, again);
    if (text.empty() || !Screen::draw(text, terminal.height)) return;
    const Woken woken = wait(signals, &keyboard, next);
    if (woken == Woken::to_leave) return;
    again = woken == Woken::by_size;
    if (!again) next = std::max(next + kViewPeriod, event::read_now().steady);
  }
}

} // namespace program
