#include "rproxyd/http/conditions.h"

#include <chrono>

#include "rproxyd/http/http_date.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::string_view kWeak = "W/";

std::string_view opaque(std::string_view etag) {
  return etag.starts_with(kWeak) ? etag.substr(kWeak.size()) : etag;
}

enum class Comparison : std::uint8_t { strong, weak };

bool same(std::string_view a, std::string_view b, Comparison comparison) { // section 8.8.3.2
  if (comparison == Comparison::strong) return a == b && !a.starts_with(kWeak);
  return opaque(a) == opaque(b);
}

// Whether a list of entity tags, or "*", names the current one. Tags of ours hold no commas, so
// that it makes no difference to cut others apart at theirs.
bool names(const FieldList& fields, std::string_view field, std::string_view etag,
           Comparison comparison) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name != field) continue;
    if (any_element(fields[i].value, [&](std::string_view tag) {
          return tag == "*" || same(tag, etag, comparison);
        })) {
      return true;
    }
  }
  return false;
}

} // namespace

Condition check_conditions(const FieldList& fields, const Validators& current, core::WallTime now) {
  if (fields.find("if-match")) {
    if (!names(fields, "if-match", current.etag, Comparison::strong)) return Condition::failed;
  } else if (const auto text = fields.find("if-unmodified-since")) {
    const auto date = parse_http_date(*text, now);
    if (date && current.modified > *date) return Condition::failed;
  }
  if (fields.find("if-none-match")) {
    if (names(fields, "if-none-match", current.etag, Comparison::weak))
      return Condition::not_modified;
  } else if (const auto text = fields.find("if-modified-since")) {
    const auto date = parse_http_date(*text, now);
    if (date && current.modified <= *date) return Condition::not_modified;
  }
  return Condition::proceed;
}

bool range_is_wanted(const FieldList& fields, const Validators& current, core::WallTime now) {
  const auto text = fields.find("if-range");
  if (!text) return true;
  if (text->ends_with('"')) return same(*text, current.etag, Comparison::strong);
  // A date says for sure what there was only if nothing can have changed within its second
  // (section 8.8.2.2).
  const auto date = parse_http_date(*text, now);
  return date && *date == current.modified && current.modified + std::chrono::seconds(1) < now;
}

} // namespace rproxyd
