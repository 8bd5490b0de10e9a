// A view of something that changes, drawn anew every second: over the whole terminal, which is as it was
// when the view is left with q or Ctrl-C; where there is no terminal, one picture below the other.
#pragma once

#include <functional>
#include <string>

#include "libcore/base/time.h"
#include "libcore/program/terminal.h"

namespace program {

inline constexpr core::Duration kViewPeriod = std::chrono::seconds(1);

// `picture`: of lines; those that don't fit into the terminal are cut off. Empty: the view ends. Also
// called when the terminal has another size; `again` is true then, and what is shown may stay the same.
void show_live(const std::function<std::string(const Terminal& terminal, bool again)>& picture);

} // namespace program
