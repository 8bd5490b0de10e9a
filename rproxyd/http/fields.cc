#include "rproxyd/http/fields.h"

#include <algorithm>

#include "rproxyd/http/text.h"

namespace rproxyd {

void FieldList::add(std::string_view name, std::string_view value) {
  Entry entry{};
  entry.name_at = static_cast<std::uint32_t>(bytes_.size());
  entry.name_size = static_cast<std::uint32_t>(name.size());
  bytes_.append(name);
  std::transform(bytes_.begin() + entry.name_at, bytes_.end(), bytes_.begin() + entry.name_at,
                 to_lower);
  entry.value_at = static_cast<std::uint32_t>(bytes_.size());
  entry.value_size = static_cast<std::uint32_t>(value.size());
  bytes_.append(value);
  entries_.push_back(entry);
}

void FieldList::remove(std::string_view name) {
  remove_if([name](const Field& field) { return field.name == name; });
}

void FieldList::clear() {
  bytes_.clear();
  entries_.clear();
}

std::optional<std::string_view> FieldList::find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (view(entry).name == name) return view(entry).value;
  }
  return std::nullopt;
}

std::size_t FieldList::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      entries_, [&](const Entry& entry) { return view(entry).name == name; }));
}

bool FieldList::has_token(std::string_view name, std::string_view token) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return view(entry).name == name &&
           any_element(view(entry).value, [&](std::string_view element) {
             return equal_ignoring_case(element, token);
           });
  });
}

} // namespace rproxyd
