#include "rproxyd/http/accept_encoding.h"

#include <algorithm>
#include <optional>

#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

// Whether a weight says "not acceptable": q=0, 0.0, 0.00 or 0.000 (RFC 9110 section 12.4.2).
bool is_zero(std::string_view parameters) {
  while (!parameters.empty()) {
    const auto end = std::min(parameters.find(';'), parameters.size());
    const auto each = without_white_space_around(parameters.substr(0, end));
    if (each.size() > 2 && to_lower(each[0]) == 'q' && each[1] == '=')
      return each.find_first_not_of("0.", 2) == std::string_view::npos;
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
  }
  return false;
}

} // namespace

AcceptedCodings accepted_codings(const FieldList& fields) {
  std::optional<bool> br;
  std::optional<bool> gzip;
  bool others = false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name != "accept-encoding") continue;
    any_element(fields[i].value, [&](std::string_view element) {
      const auto end = std::min(element.find(';'), element.size());
      const auto coding = without_white_space_around(element.substr(0, end));
      const bool wanted = !is_zero(element.substr(end));
      if (equal_ignoring_case(coding, "br")) br = wanted;
      if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip"))
        gzip = wanted;
      if (coding == "*") others = wanted;
      return false;
    });
  }
  return {.br = br.value_or(others), .gzip = gzip.value_or(others)};
}

} // namespace rproxyd
