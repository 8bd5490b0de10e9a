#include "turnd/relay/loads_format.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <unordered_map>

#include "libcore/base/text.h"

namespace turnd {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kLineExpected =
    R"(an address with a port and a number, such as "198.51.100.130:3478 812")";

// The first word, which leaves `text`; empty: there is none.
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kMostShown = 64;
  std::string out = "\"";
  core::append_escaped(out, text.substr(0, kMostShown));
  return out + (text.size() > kMostShown ? "…\"" : "\"");
}

std::optional<std::uint64_t> number_of(std::string_view word) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  if (number > kMaxAllocationsOfLoad) return std::nullopt;
  return number;
}

} // namespace

std::expected<std::vector<ServerLoad>, LoadsProblem> read_loads(std::string_view text) {
  std::vector<ServerLoad> loads;
  std::unordered_map<core::SocketAddress, std::size_t> lines; // where a server stands
  std::size_t number = 0;
  const auto wrong = [&number](std::string what, std::string_view expected) {
    return std::unexpected(LoadsProblem{number, std::move(what), std::string(expected)});
  };
  if (text.size() > kMaxLoadsFileBytes) {
    return wrong("is " + std::to_string(text.size()) + " bytes long",
                 std::to_string(kMaxLoadsFileBytes) + " at most");
  }

  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const std::string_view first = take_word(line);
    if (first.empty()) continue;
    const auto server = core::SocketAddress::parse(first);
    if (!server || server->port() == 0) {
      return wrong(quoted(first) + " is no address with a port", kLineExpected);
    }
    const std::string_view second = take_word(line);
    if (second.empty()) return wrong("the number of allocations is missing", kLineExpected);
    const auto allocations = number_of(second);
    if (!allocations) {
      return wrong(quoted(second) + " is no number of allocations", kLineExpected);
    }
    if (const std::string_view more = take_word(line); !more.empty()) {
      return wrong(quoted(more) + " follows the number", kLineExpected);
    }
    const auto [known, is_new] = lines.emplace(*server, number);
    if (!is_new) {
      return wrong(
          server->to_string() + " stands in line " + std::to_string(known->second) + " already",
          "each server once");
    }
    if (loads.size() == kMaxLoads) {
      return wrong("more servers than are read", std::to_string(kMaxLoads) + " at most");
    }
    loads.push_back({.server = *server, .allocations = *allocations});
  }
  return loads;
}

} // namespace turnd
