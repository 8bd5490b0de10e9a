#include "libcore/resp/command.h"

#include <fmt/format.h>

#include <iterator>

namespace resp {
namespace {

template <typename Words>
void append(std::string& out, const Words& words) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", words.size());
  for (const auto& word : words)
    fmt::format_to(std::back_inserter(out), "${}\r\n{}\r\n", word.size(), std::string_view(word));
}

} // namespace

void append_command(std::string& out, std::span<const std::string_view> words) {
  append(out, words);
}

void append_command(std::string& out, std::span<const std::string> words) { append(out, words); }

} // namespace resp
