#include "turnd/relay/session.h"

#include <charconv>

namespace turnd {
namespace {

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

} // namespace

std::string to_string(const SessionId& id) {
  return std::to_string(id.worker) + '-' + std::to_string(id.number);
}

std::optional<SessionId> parse_session_id(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  SessionId id;
  if (!parse_number(text.substr(0, dash), id.worker) ||
      !parse_number(text.substr(dash + 1), id.number)) {
    return std::nullopt;
  }
  return id;
}

} // namespace turnd
