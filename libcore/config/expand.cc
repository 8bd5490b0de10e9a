#include "libcore/config/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace config {
namespace {

constexpr std::string_view kOpening = "${";
constexpr std::string_view kWithDefault = ":-";
constexpr std::string_view kWithMessage = ":?";

// As POSIX has it (XBD 8.1), lower case included.
bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// What stands between "${" and "}".
struct Mention {
  std::string name;
  std::string_view sign; // kWithDefault, kWithMessage or empty
  std::string_view word; // behind it
};

std::optional<Mention> mention_of(std::string_view inside) {
  Mention mention;
  const auto colon = inside.find(':');
  mention.name = inside.substr(0, colon);
  if (!is_variable_name(mention.name)) return std::nullopt;
  if (colon == std::string_view::npos) return mention;
  mention.sign = inside.substr(colon, kWithDefault.size());
  if (mention.sign != kWithDefault && mention.sign != kWithMessage) return std::nullopt;
  mention.word = inside.substr(colon + mention.sign.size());
  return mention;
}

std::expected<std::string, NotExpanded> value_of(const Mention& mention,
                                                 const Surroundings& surroundings) {
  auto value = surroundings.variable(mention.name);
  const bool has_text = value && !value->empty();
  if (has_text || (value && mention.sign.empty())) return *std::move(value);
  if (mention.sign == kWithDefault) return std::string(mention.word);
  NotExpanded failure{
      fmt::format("the environment variable {} is {}", mention.name, value ? "empty" : "not set"),
      std::string(mention.word)};
  if (mention.sign.empty())
    failure.expected = "\"${NAME}\" for a variable that is set, or \"$${\" for \"${\" itself";
  return std::unexpected(std::move(failure));
}

} // namespace

bool mentions_variable(std::string_view text) { return text.contains(kOpening); }

std::expected<std::string, NotExpanded> expand(std::string_view text,
                                               const Surroundings& surroundings) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("$${")) {
      out += kOpening;
      text.remove_prefix(3);
      continue;
    }
    if (!text.starts_with(kOpening)) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto end = text.find('}');
    const auto mention = end == std::string_view::npos
                             ? std::nullopt
                             : mention_of(text.substr(kOpening.size(), end - kOpening.size()));
    if (!mention) {
      return std::unexpected(
          NotExpanded{"\"${\" does not begin the name of a variable",
                      "\"${NAME}\", \"${NAME:-DEFAULT}\" or \"${NAME:?WHAT}\", or \"$${\" for "
                      "\"${\" itself"});
    }
    const auto value = value_of(*mention, surroundings);
    if (!value) return std::unexpected(value.error());
    out += *value;
    text.remove_prefix(end + 1);
  }
  return out;
}

bool stands_for_nothing(std::string_view text, const Surroundings& surroundings) {
  if (!text.starts_with(kOpening) || text.find('}') != text.size() - 1) return false;
  const auto mention = mention_of(text.substr(kOpening.size(), text.size() - kOpening.size() - 1));
  if (!mention || mention->sign != kWithDefault || !mention->word.empty()) return false;
  const auto value = surroundings.variable(mention->name);
  return !value || value->empty();
}

} // namespace config
