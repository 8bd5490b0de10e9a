// rproxyd schema, turnd schema: a JSON Schema of the configuration file. What the readers take comes from
// the readers, what keys mean from docs/configuration.md, which is built in.
#pragma once

#include <CLI/CLI.hpp>

#include <set>
#include <string>

#include "libcore/config/describe.h"

namespace program {

class SchemaCommand {
 public:
  SchemaCommand(std::string program, CLI::App& app); // adds itself

  bool parsed() const { return command_->parsed(); }

  // The exit code. `read`: from the root of a file to settings; `restart`: keys whose change takes one.
  template <typename Read>
  int run(Read&& read, const std::set<std::string>& restart) const {
    return print(config::describe(read), restart);
  }

 private:
  int print(const config::Shape& shape, const std::set<std::string>& restart) const;

  std::string program_;
  CLI::App* command_;
};

} // namespace program
