// Whether docs/configuration.md has exactly the keys that a daemon's reader takes. The reader is asked
// itself: a key that nobody would write is refused with all those that are known.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/config/document.h"
#include "libcore/config/value.h"
#include "tests/support/given_surroundings.h"

// The keys of the tables between the heading of this file and the next one, if their row says `what`.
inline std::set<std::string> documented_keys(const std::string& page, const std::string& file,
                                             std::string_view what = "") {
  std::ifstream in(page);
  std::set<std::string> keys;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) inside = line == "## " + file;
    if (!inside || !line.starts_with("| `") || line.find(what) == std::string::npos) continue;
    keys.insert(line.substr(3, line.find('`', 3) - 3));
  }
  return keys;
}

inline std::set<std::string> documented_for_a_restart(const std::string& page,
                                                      const std::string& file) {
  return documented_keys(page, file, "; a change takes a restart |");
}

// Of all `keys`: these subjects, and what stands in their objects.
inline std::set<std::string> keys_within(const std::vector<std::string>& subjects,
                                         const std::set<std::string>& keys) {
  std::set<std::string> found;
  for (const std::string& subject : subjects) {
    for (const std::string& key : keys) {
      if (key == subject || key.starts_with(subject + ".")) found.insert(key);
    }
  }
  return found;
}

// An object of the file: how the page calls it, and a text in which "@" stands for its members.
struct ObjectOfFile {
  std::string prefix; // "pools.*.tls."
  std::string text;   // { "pools": { "p": { "tls": {@} } } }
};

template <typename Read>
std::set<std::string> accepted_keys(Read read, const std::vector<ObjectOfFile>& objects) {
  constexpr std::string_view kNobody = "0000000000000000";
  constexpr std::string_view kBefore = "one of \"";
  std::set<std::string> keys;
  for (auto [prefix, text] : objects) {
    text.replace(text.find('@'), 1, "\"" + std::string(kNobody) + "\": 1");
    config::Problems problems;
    const GivenSurroundings surroundings;
    const auto document = config::Document::parse("f", text, problems);
    config::Reading reading{*document, surroundings, problems};
    read(config::Value::root(reading));
    for (const auto& problem : problems) {
      if (!problem.place.pointer.ends_with(kNobody)) continue;
      // one of "a", "b", "c"
      std::string_view rest = problem.expected;
      rest.remove_prefix(kBefore.size());
      while (!rest.empty()) {
        const auto end = rest.find('"');
        keys.insert(prefix + std::string(rest.substr(0, end)));
        rest.remove_prefix(std::min(rest.size(), end + std::string_view("\", \"").size()));
      }
    }
  }
  return keys;
}
