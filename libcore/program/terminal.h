// What the standard output of a command is: a terminal with a width, or a file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace program {

struct Terminal {
  static constexpr std::size_t kUsualWidth = 80;
  static constexpr std::size_t kUsualHeight = 24;

  bool interactive = false; // somebody sits in front of it
  bool colour = false;      // NO_COLOR (no-color.org) and TERM=dumb say no
  std::size_t width = 0;    // 0: without end, as of a file
  std::size_t height = 0;

  static Terminal of_output(); // asked anew each time: windows change
};

enum class Style : unsigned char { plain, strong, faint, good, warning, bad };

// The text in a style, or as it is where there is no colour.
std::string styled(std::string_view text, Style style, const Terminal& terminal);

// Columns that the text takes. What isn't printable must have been escaped.
std::size_t width_of(std::string_view text);

// As many columns of it, the last one "…" where something is missing.
std::string shortened(std::string_view text, std::size_t columns);

} // namespace program
