// Problems with values that were read already, found by their JSON pointers.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "libcore/config/document.h"
#include "libcore/config/problem.h"

namespace config {

class Notes {
 public:
  explicit Notes(const Document& document) : document_(document) {} // borrows

  void error(std::string_view pointer, std::string found) {
    problems_.push_back({Severity::error, document_.place(pointer), std::move(found), ""});
  }
  void warning(std::string_view pointer, std::string found) {
    problems_.push_back({Severity::warning, document_.place(pointer), std::move(found), ""});
  }
  // Whether the file has it, and not as null.
  bool is_written(std::string_view pointer) const {
    const auto* node = document_.find(pointer);
    return node && node->kind != Node::Kind::null;
  }
  Problems take() { return std::move(problems_); }

 private:
  const Document& document_;
  Problems problems_;
};

} // namespace config
