#include "libcore/config/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <tuple>

#include "libcore/base/text.h"

namespace config {
namespace {

// Quotes and backslashes were escaped where the value was quoted; what is left are characters that
// a terminal would obey, in file names and keys for instance.
std::string harmless(std::string_view text) {
  std::string out;
  std::string escaped;
  while (!text.empty()) {
    const auto code = core::decode_utf8(text);
    const auto piece = text.substr(0, code ? code->size : 1);
    escaped.clear();
    if (piece == "\"" || piece == "\\") {
      escaped = piece;
    } else {
      core::append_escaped(escaped, piece);
    }
    out += escaped;
    text.remove_prefix(piece.size());
  }
  return out;
}

std::string counted(std::ptrdiff_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

} // namespace

std::string to_string(const Problem& problem) {
  const auto& place = problem.place;
  std::string line = place.file;
  if (place.line != 0) fmt::format_to(std::back_inserter(line), ":{}", place.line);
  line += ": ";
  if (!place.pointer.empty()) line += place.pointer + ": ";
  line += problem.found;
  if (!problem.expected.empty()) line += "; expected " + problem.expected;
  return harmless(line);
}

bool has_error(const Problems& problems) {
  return std::ranges::any_of(problems,
                             [](const Problem& p) { return p.severity == Severity::error; });
}

std::string report(const std::string& file, const Problems& problems) {
  std::vector<const Problem*> sorted;
  for (const auto& problem : problems) sorted.push_back(&problem);
  std::ranges::sort(sorted, {}, [](const Problem* p) { // the address: as they were found
    return std::tuple(p->severity != Severity::error, p->place.line, p->place.column, p);
  });
  std::string text;
  for (const auto* problem : sorted) {
    text += problem->severity == Severity::error ? "error: " : "warning: ";
    text += to_string(*problem) + '\n';
  }
  const auto errors = std::ranges::count(problems, Severity::error, &Problem::severity);
  const auto warnings = static_cast<std::ptrdiff_t>(problems.size()) - errors;
  text += harmless(file);
  if (errors != 0) {
    text += ": refused, " + counted(errors, "error");
    if (warnings != 0) text += ", " + counted(warnings, "warning");
  } else {
    text += warnings == 0 ? ": in order" : ": can be used, " + counted(warnings, "warning");
  }
  return text + '\n';
}

} // namespace config
