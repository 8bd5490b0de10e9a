// The environment and the files that a test gives to a configuration.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "libcore/config/surroundings.h"

struct GivenSurroundings final : config::Surroundings {
  std::map<std::string, std::string> variables;
  std::map<std::string, config::FileContent> files;

  std::optional<std::string> variable(const std::string& name) const override {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  }
  core::Result<config::FileContent> read_file(const std::string& path,
                                              std::size_t limit) const override {
    const auto found = files.find(path);
    if (found == files.end()) return core::failure("No such file or directory");
    if (found->second.text.size() > limit) return core::failure("is too large");
    return found->second;
  }
};
