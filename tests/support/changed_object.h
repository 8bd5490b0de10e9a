// A configuration file that is right, with some members of its root changed: for tests that look at
// one key at a time.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libcore/config/problem.h"

// Key -> JSON. In a change, an empty text takes the key away.
using Members = std::map<std::string, std::string>;

inline std::string object_of(Members members, const Members& changes = {}) {
  for (const auto& [key, json] : changes) members[key] = json;
  std::string text = "{";
  for (const auto& [key, json] : members) {
    if (json.empty()) continue;
    text += (text.size() == 1 ? "\n\"" : ",\n\"") + key + "\": " + json;
  }
  return text + "\n}\n";
}

// "error: /pointer: what is wrong", without file and line, which the tests of libcore/config check.
inline std::vector<std::string> lines_of(const config::Problems& problems) {
  std::vector<std::string> lines;
  for (auto problem : problems) {
    const bool is_error = problem.severity == config::Severity::error;
    problem.place.file = is_error ? "error" : "warning";
    problem.place.line = 0;
    lines.push_back(config::to_string(problem));
  }
  return lines;
}
