#include "libcore/program/command_shape.h"

#include <ranges>
#include <string_view>
#include <utility>

namespace program {
namespace {

OptionShape shape_of(const CLI::Option& option) {
  OptionShape shape{.names = {},
                    .value = option.get_items_expected_max() == 0 ? "" : option.get_type_name(),
                    .description = option.get_description(),
                    .required = option.get_required(),
                    .repeated = option.get_items_expected_max() > 1};
  if (option.get_positional()) {
    shape.names.push_back(option.get_name(true));
    return shape;
  }
  for (const std::string& each : option.get_snames()) shape.names.push_back("-" + each);
  for (const std::string& each : option.get_lnames()) shape.names.push_back("--" + each);
  return shape;
}

CommandShape shape_of(const CLI::App& app, const std::vector<OptionShape>& above) {
  CommandShape shape{.name = app.get_name(),
                     .description = app.get_description(),
                     .options = {},
                     .inherited = app.get_fallthrough() ? above : std::vector<OptionShape>(),
                     .arguments = {},
                     .commands = {}};
  for (const CLI::Option* option : app.get_options()) {
    auto& of_its_kind = option->get_positional() ? shape.arguments : shape.options;
    of_its_kind.push_back(shape_of(*option));
  }
  // --help and --version of the command above are not this one's.
  std::vector<OptionShape> handed_down = shape.inherited;
  for (const OptionShape& each : shape.options) {
    if (!each.value.empty()) handed_down.push_back(each);
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* each) {
         return !each->get_group().empty(); // CLI11 hides what is in no group
       })) {
    shape.commands.push_back(shape_of(*command, handed_down));
  }
  return shape;
}

} // namespace

CommandShape shape_of(const CLI::App& app) { return shape_of(app, {}); }

std::vector<std::string> OptionShape::choices() const {
  std::vector<std::string> found;
  if (!value.starts_with('{') || !value.ends_with('}')) return found;
  for (const auto each :
       std::views::split(std::string_view(value).substr(1, value.size() - 2), ','))
    found.emplace_back(each.begin(), each.end());
  return found;
}

} // namespace program
