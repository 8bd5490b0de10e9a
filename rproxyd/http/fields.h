// Header fields of one message, in order. Bytes live in one buffer that is kept when the list is
// cleared, so that a kept-alive connection allocates nothing per message once it is warm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rproxyd {

struct Field {
  std::string_view name;  // lower case
  std::string_view value; // without leading or trailing white space
};

class FieldList {
 public:
  // Copies both; the name is turned to lower case. Views handed out before are then invalid.
  void add(std::string_view name, std::string_view value);
  void remove(std::string_view name); // every field of that lower-case name
  template <typename Predicate>
  void remove_if(Predicate&& unwanted) { // Predicate(Field) -> bool
    std::erase_if(entries_, [&](const Entry& e) { return unwanted(view(e)); });
  }
  void clear();

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  Field operator[](std::size_t i) const { return view(entries_[i]); } // borrowed until a change
  std::optional<std::string_view> find(std::string_view name) const;  // the first
  std::size_t count(std::string_view name) const;
  // Whether a comma-separated list field (all its occurrences) has this token, case-insensitively.
  bool has_token(std::string_view name, std::string_view token) const;

 private:
  struct Entry {
    std::uint32_t name_at, name_size, value_at, value_size;
  };
  Field view(const Entry& e) const {
    const std::string_view all(bytes_);
    return {all.substr(e.name_at, e.name_size), all.substr(e.value_at, e.value_size)};
  }
  std::string bytes_;
  std::vector<Entry> entries_;
};

} // namespace rproxyd
