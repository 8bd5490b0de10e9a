#include "rproxyd/http/request_id.h"

#include <algorithm>

namespace rproxyd {
namespace {

bool is_harmless(char c) {
  constexpr std::string_view kOthers = "-_.:=+/@";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.contains(c);
}

} // namespace

std::optional<std::string_view> believable_request_id(const FieldList& fields,
                                                      std::string_view header,
                                                      const ClientIdentity& client) {
  if (!client.trusted || fields.count(header) != 1) return std::nullopt;
  const std::string_view id = fields.find(header).value_or("");
  if (id.empty() || id.size() > kMaxRequestId || !std::ranges::all_of(id, is_harmless))
    return std::nullopt;
  return id;
}

void set_request_id(FieldList& fields, std::string_view header, std::string_view id) {
  fields.remove_if([&](const Field& field) {
    return std::ranges::equal(field.name, header,
                              [](char a, char b) { return (a == '_' ? '-' : a) == b; });
  });
  fields.add(header, id);
}

} // namespace rproxyd
