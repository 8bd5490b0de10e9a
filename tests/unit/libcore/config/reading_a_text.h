// A text as a configuration file that is being read, for tests of parsers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcore/config/document.h"
#include "libcore/config/value.h"
#include "tests/support/given_surroundings.h"

struct ReadingAText {
  explicit ReadingAText(std::string_view text)
      : document(*config::Document::parse("/etc/vestibule/t.json", text, problems)) {}

  config::Value root() { return config::Value::root(reading); }
  // The one member of an object.
  config::Value only() { return root().value(document.root().members.at(0)); }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& problem : problems) {
      lines.push_back((problem.severity == config::Severity::warning ? "warning: " : "") +
                      config::to_string(problem));
    }
    return lines;
  }

  config::Problems problems;
  config::Document document;
  GivenSurroundings surroundings;
  config::Reading reading{document, surroundings, problems};
};

using Lines = std::vector<std::string>;
