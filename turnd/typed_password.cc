#include "turnd/typed_password.h"

#include <errno.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "libcore/config/secrets.h"

namespace turnd {
namespace {

// Without echo, and without signals, which would leave the terminal like that.
class Unseen {
 public:
  Unseen() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios unseen = before_;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) == 0;
  }
  ~Unseen() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

core::Result<core::Secret> read_line() {
  std::string line;
  line.reserve(config::kMaxSecretBytes + 1); // stays where it is, so that all of it is wiped
  for (;;) {
    char c = 0;
    const auto count = ::read(STDIN_FILENO, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return core::failure(std::generic_category().message(errno));
    if (count == 0 || c == '\n') break;
    line.push_back(c);
    if (line.size() > config::kMaxSecretBytes) {
      return core::failure(fmt::format("is longer than {} bytes", config::kMaxSecretBytes));
    }
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return core::failure("is empty");
  core::Secret secret(line);
  explicit_bzero(line.data(), line.size());
  return secret;
}

core::Result<core::Secret> ask(const char* question) {
  const Unseen unseen; // before the question: it throws away what was typed until now
  fmt::print(stderr, "{}: ", question);
  auto answer = read_line();
  fmt::print(stderr, "\n");
  return answer;
}

} // namespace

core::Result<core::Secret> read_password() {
  if (::isatty(STDIN_FILENO) == 0) return read_line();
  auto once = ask("Password");
  if (!once) return once;
  const auto again = ask("Again");
  if (!again || again->reveal() != once->reveal()) return core::failure("was not the same twice");
  return once;
}

} // namespace turnd
