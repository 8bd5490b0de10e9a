#include "libcore/program/schema_command.h"

#include <cstdio>
#include <utility>

#include "libcore/config/schema.h"
#include "libcore/program/configuration_page.h"

namespace program {

SchemaCommand::SchemaCommand(std::string program, CLI::App& app)
    : program_(std::move(program)),
      command_(app.add_subcommand("schema", "print a JSON Schema of the configuration file")) {}

int SchemaCommand::print(const config::Shape& shape, const std::set<std::string>& restart) const {
  const std::string file = program_ + ".json";
  const auto meanings = config::meanings_of(kConfigurationPage, file);
  std::fputs(config::json_schema(shape, file, meanings, restart).c_str(), stdout);
  return 0;
}

} // namespace program
