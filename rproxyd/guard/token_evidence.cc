#include "rproxyd/guard/token_evidence.h"

#include <optional>

#include "rproxyd/guard/json_scan.h"
#include "rproxyd/guard/token_paths.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

// Nothing, as scripts mean it: null, false, "".
bool is_empty(const JsonValue& value) {
  return value.kind == JsonValue::Kind::null || value.raw == "false" || value.raw == "\"\"";
}

bool query_has_pin(std::string_view target) {
  const auto question = target.find('?');
  if (question == std::string_view::npos) return false;
  std::string_view query = target.substr(question + 1);
  while (!query.empty()) {
    const auto end = query.find_first_of("&;");
    const std::string_view field = query.substr(0, end);
    const auto equals = field.find('=');
    // A name that is percent-encoded could be anything.
    const std::string_view name = field.substr(0, equals);
    if (equals != std::string_view::npos && equals + 1 < field.size() &&
        (equal_ignoring_case(name, "pin") || name.find('%') != std::string_view::npos)) {
      return true;
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return false;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

} // namespace

RequestEvidence look_at_request(const RequestHead& head, std::string_view body, bool whole) {
  RequestEvidence found;
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    if (head.fields[i].name == "pin" && !head.fields[i].value.empty()) found.carries_pin = true;
  }
  if (query_has_pin(head.target)) found.carries_pin = true;

  if (whole && is_blank(body)) return found;
  const auto value = whole ? scan_json(body) : std::nullopt;
  if (!value || value->kind != JsonValue::Kind::object || head.fields.find("content-encoding")) {
    found.carries_pin = true;
    return found;
  }
  for_each_member(*value, [&](const std::string& key, const JsonValue& member) {
    if (equal_ignoring_case(key, "pin") && !is_empty(member)) found.carries_pin = true;
    if (key == "conference_extension" && !is_empty(member)) {
      found.extension = room_key(member.kind == JsonValue::Kind::string ? json_text(member)
                                                                        : std::string(member.raw));
    }
  });
  return found;
}

Verdict judge_answer(bool carried_pin, std::uint16_t status, std::string_view body, bool readable) {
  if (status >= 200 && status < 300) return Verdict::admitted;
  if (status != 403) return Verdict::none;
  if (!carried_pin) return Verdict::denied;
  const auto value = readable ? scan_json(body) : std::nullopt;
  if (!value) return Verdict::wrong_pin;

  bool wrong = false;
  // {"status": …, "result": R}; R is "Invalid PIN", or the challenge again: {"pin": "required", …}.
  const auto look = [&](const JsonValue& result) {
    if (result.kind == JsonValue::Kind::string) {
      wrong = wrong || equal_ignoring_case(json_text(result), "Invalid PIN");
    }
    for_each_member(
        result, [&](const std::string& key, const JsonValue&) { wrong = wrong || key == "pin"; });
  };
  look(*value);
  for_each_member(*value, [&](const std::string& key, const JsonValue& member) {
    if (key == "result") look(member);
  });
  return wrong ? Verdict::wrong_pin : Verdict::denied;
}

} // namespace rproxyd
