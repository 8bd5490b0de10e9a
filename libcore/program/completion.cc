#include "libcore/program/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace program {
namespace {

// ---- bash: one function that goes along the words to the command, and offers what that one takes

struct Bash {
  std::vector<std::string> paths; // of all commands but the program itself: "/bans/add"
  std::string words;              // case branches: what is offered at each path
  std::set<std::string> files;    // options that a file follows
  std::set<std::string> values;   // options that something else follows

  void add(const CommandShape& command, const std::string& path);
  void add(const OptionShape& option, std::vector<std::string>& offered);
};

void Bash::add(const OptionShape& option, std::vector<std::string>& offered) {
  for (const std::string& name : option.names) {
    offered.push_back(name);
    if (!option.value.empty()) (option.takes_file() ? files : values).insert(name);
  }
}

void Bash::add(const CommandShape& command, const std::string& path) {
  std::vector<std::string> offered;
  offered.reserve(command.commands.size());
  for (const CommandShape& each : command.commands) offered.push_back(each.name);
  for (const OptionShape& each : command.arguments) {
    for (const std::string& choice : each.choices()) offered.push_back(choice);
  }
  for (const OptionShape& each : command.options) add(each, offered);
  for (const OptionShape& each : command.inherited) add(each, offered);
  words += fmt::format("    '{}') words='{}' ;;\n", path, fmt::join(offered, " "));
  for (const CommandShape& each : command.commands) {
    const std::string below = path + "/" + each.name;
    paths.push_back(below);
    add(each, below);
  }
}

// ---- zsh: a function for each command, which calls that of the command below

std::string zsh_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    if (c == '\'') {
      escaped += "'\\''";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string zsh_value(const OptionShape& option) {
  if (option.value.empty()) return "";
  const auto choices = option.choices();
  if (!choices.empty()) return fmt::format(":value:({})", fmt::join(choices, " "));
  return fmt::format(":{}:{}", zsh_text(option.value), option.takes_file() ? "_files" : "");
}

void add_zsh(std::string& to, const CommandShape& command, const std::string& function) {
  to += fmt::format("\n{}() {{\n  local curcontext=$curcontext state line ret=1\n", function);
  to += "  local -a commands\n  typeset -A opt_args\n  _arguments -C -s";
  const auto add_option = [&to](const OptionShape& option) {
    for (const std::string& name : option.names) {
      // "--name=" takes its value behind = or as the next word.
      const bool with_equals = !option.value.empty() && name.starts_with("--");
      to += fmt::format(" \\\n    '{}{}[{}]{}'", name, with_equals ? "=" : "",
                        zsh_text(option.description), zsh_value(option));
    }
  };
  for (const OptionShape& each : command.options) add_option(each);
  for (const OptionShape& each : command.inherited) add_option(each);
  if (!command.commands.empty()) {
    to +=
        " \\\n    '1: :->command' \\\n    '*:: :->below' && ret=0\n  case $state in\n    "
        "command)\n";
    to += "      commands=(\n";
    for (const CommandShape& each : command.commands)
      to += fmt::format("        '{}:{}'\n", each.name, zsh_text(each.description));
    to += "      )\n      _describe -t commands command commands && ret=0 ;;\n";
    to += "    below)\n      case $line[1] in\n";
    for (const CommandShape& each : command.commands)
      to += fmt::format("        {0}) {1}_{0} && ret=0 ;;\n", each.name, function);
    to += "      esac ;;\n  esac\n";
  } else {
    for (std::size_t i = 0; i < command.arguments.size(); ++i) {
      const OptionShape& each = command.arguments[i];
      const std::string place = each.repeated ? "*" : std::to_string(i + 1);
      to += fmt::format(" \\\n    '{}{}'", place, zsh_value(each));
    }
    to += " && ret=0\n";
  }
  to += "  return ret\n}\n";
  for (const CommandShape& each : command.commands)
    add_zsh(to, each, fmt::format("{}_{}", function, each.name));
}

} // namespace

std::string bash_completion(const CommandShape& program) {
  Bash bash;
  bash.add(program, "");
  return fmt::format(R"(# Completion of {0} for bash; made by: {0} completion bash
_{0}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} path='' words='' word
  COMPREPLY=()
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $path/$word in
      {1}) path=$path/$word ;;
    esac
  done
  case $before in
    {2})
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return ;;
    {3}) return ;;
  esac
  case $path in
{4}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _{0} {0}
)",
                     program.name, fmt::join(bash.paths, " | "), fmt::join(bash.files, " | "),
                     fmt::join(bash.values, " | "), bash.words);
}

std::string zsh_completion(const CommandShape& program) {
  std::string text = fmt::format(
      "#compdef {0}\n# Completion of {0} for zsh; made by: {0} completion zsh\n", program.name);
  add_zsh(text, program, "_" + program.name);
  return text + fmt::format("\n_{} \"$@\"\n", program.name);
}

} // namespace program
