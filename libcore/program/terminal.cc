#include "libcore/program/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "libcore/base/text.h"

namespace program {
namespace {

bool is_set(const char* variable) {
  const char* value = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): nobody changes it
  return value != nullptr && *value != '\0';
}

std::string_view sequence(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::strong:
      return "\x1b[1m";
    case Style::faint:
      return "\x1b[2m";
    case Style::good:
      return "\x1b[32m";
    case Style::warning:
      return "\x1b[33m";
    case Style::bad:
      return "\x1b[31m";
  }
  return "";
}

} // namespace

Terminal Terminal::of_output() {
  if (::isatty(STDOUT_FILENO) == 0) return {};
  Terminal terminal{.interactive = true, .colour = false, .width = 0, .height = 0};
  const char* kind = std::getenv("TERM"); // NOLINT(concurrency-mt-unsafe): likewise
  const bool dumb = kind != nullptr && std::string_view(kind) == "dumb";
  terminal.colour = !dumb && !is_set("NO_COLOR");
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  terminal.width = known && size.ws_col != 0 ? size.ws_col : kUsualWidth;
  terminal.height = known && size.ws_row != 0 ? size.ws_row : kUsualHeight;
  return terminal;
}

std::string styled(std::string_view text, Style style, const Terminal& terminal) {
  if (!terminal.colour || style == Style::plain) return std::string(text);
  return std::string(sequence(style)).append(text).append("\x1b[0m");
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto point = core::decode_utf8(text);
    text.remove_prefix(point ? point->size : 1);
    ++width;
  }
  return width;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string(text);
  std::string kept;
  for (std::size_t i = 0; i + 1 < columns; ++i) {
    const auto point = core::decode_utf8(text);
    const std::size_t size = point ? point->size : 1;
    kept += text.substr(0, size);
    text.remove_prefix(size);
  }
  if (columns > 0) kept += "…";
  return kept;
}

} // namespace program
