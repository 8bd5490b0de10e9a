#include "libcore/program/manual.h"

#include <fmt/format.h>

#include <string_view>

namespace program {
namespace {

// A hyphen that is typed, and what man(7) would take for its own.
std::string escaped(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c == '\\') {
      made += "\\e";
    } else if (c == '-') {
      made += "\\-";
    } else {
      made += c;
    }
  }
  // At the start of a line these would be requests.
  if (made.starts_with('.') || made.starts_with('\'')) made.insert(0, "\\&");
  return made;
}

std::string sentence(const OptionShape& option) {
  std::string text = option.description;
  if (option.required) text += text.empty() ? "must be given" : " (must be given)";
  return escaped(text.empty() ? option.value : text);
}

std::string with_value(const OptionShape& option) {
  std::string text;
  for (const std::string& name : option.names)
    text += fmt::format("{}\\fB{}\\fR", text.empty() ? "" : ", ", escaped(name));
  return option.value.empty() ? text : fmt::format("{} \\fI{}\\fR", text, escaped(option.value));
}

std::string arguments_of(const CommandShape& command) {
  std::string text;
  for (const OptionShape& each : command.arguments) {
    const std::string name = each.choices().empty() ? each.names.front() : each.value;
    text += fmt::format(" {}\\fI{}\\fR{}{}", each.required ? "" : "[", escaped(name),
                        each.repeated ? " ..." : "", each.required ? "" : "]");
  }
  return text;
}

std::string line_of(const CommandShape& command, const std::string& path) {
  return fmt::format("\\fB{}\\fR{}{}", escaped(path), arguments_of(command),
                     command.options.size() > 1 ? " [\\fIoptions\\fR]" : ""); // --help aside
}

// ".TP" with what it takes; --help stands once, at the end.
void add_options(std::string& to, const CommandShape& command) {
  for (const OptionShape& each : command.arguments) {
    to += fmt::format(".TP\n\\fI{}\\fR\n{}\n", escaped(each.names.front()), sentence(each));
  }
  for (const OptionShape& each : command.options) {
    if (each.names.back() != "--help")
      to += fmt::format(".TP\n{}\n{}\n", with_value(each), sentence(each));
  }
}

void add_commands(std::string& to, const CommandShape& above, const std::string& path) {
  for (const CommandShape& each : above.commands) {
    const std::string name = path.empty() ? each.name : path + " " + each.name;
    to += fmt::format(".SS {}\n{}.\n", line_of(each, name), escaped(each.description));
    add_options(to, each);
    add_commands(to, each, name);
  }
}

} // namespace

std::string manual_sections(const CommandShape& program) {
  std::string text = fmt::format(
      ".SH SYNOPSIS\n\\fB{0}\\fR [\\fBrun\\fR] \\fB\\-\\-config\\fR "
      "\\fIFILE\\fR\n.br\n\\fB{0}\\fR \\fIcommand\\fR [\\fIoptions\\fR]\n",
      escaped(program.name));
  text += ".SH COMMANDS\n";
  add_commands(text, program, "");
  text += ".SH OPTIONS\n";
  for (const OptionShape& each : program.options)
    text += fmt::format(".TP\n{}\n{}.\n", with_value(each), sentence(each));
  return text;
}

} // namespace program
