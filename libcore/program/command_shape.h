// A program's commands and options as values: what completions and the manual page are made of, so that
// neither can differ from what the program takes.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace program {

struct OptionShape {
  std::vector<std::string> names; // "-h", "--help"; of an argument, its name alone
  std::string value;              // what stands behind it, such as FILE; empty: nothing does
  std::string description;
  bool required = false;
  bool repeated = false;

  bool takes_file() const { return value == "FILE"; }
  std::vector<std::string> choices() const; // of a value that is called {one,other}
};

struct CommandShape {
  std::string name;
  std::string description;
  std::vector<OptionShape> options;
  std::vector<OptionShape> inherited; // those of the commands above it, where it takes them, too
  std::vector<OptionShape> arguments;
  std::vector<CommandShape> commands; // without hidden ones
};

CommandShape shape_of(const CLI::App& app);

} // namespace program
