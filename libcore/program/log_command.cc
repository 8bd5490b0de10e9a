#include "libcore/program/log_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace program {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxSubject = 64; // letters

bool is_subject(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSubject && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

json levels_of(const logging::Logger& log) {
  json subjects = json::object();
  for (const auto& [subject, level] : log.subject_levels()) subjects[subject] = name(level);
  return {{"ok", true},
          {"level", name(log.level())},
          {"subjects", std::move(subjects)},
          {"lines_lost", log.lost()}};
}

struct Change {
  std::string subject; // empty: all
  logging::Level level{};
};

// "debug", "backend=debug".
std::optional<Change> parse_change(std::string_view text) {
  Change change;
  if (const auto equals = text.find('='); equals != std::string_view::npos) {
    change.subject = text.substr(0, equals);
    if (!is_subject(change.subject)) return std::nullopt;
    text.remove_prefix(equals + 1);
  }
  const auto level = logging::parse_level(text);
  if (!level) return std::nullopt;
  change.level = *level;
  return change;
}

json answer(logging::Logger& log, const json& question) {
  std::vector<Change> changes;
  bool reset = false;
  for (const json& each : question.value("changes", json::array())) {
    const std::string text = each.is_string() ? each.get<std::string>() : "";
    const auto change = parse_change(text);
    if (change) changes.push_back(*change);
    if (!change && text != "reset") {
      return admin::refusal(text + " is no level; expected debug, info, warning, error, " +
                            "SUBJECT=LEVEL such as backend=debug, or reset");
    }
    reset = reset || text == "reset";
  }
  auto subjects = reset ? logging::SubjectLevels() : log.subject_levels();
  auto level = log.level();
  for (const Change& change : changes) {
    if (change.subject.empty()) level = change.level;
    if (!change.subject.empty()) subjects[change.subject] = change.level;
  }
  if (subjects.size() > logging::LevelTable::kSubjects) {
    return admin::refusal(fmt::format("no more than {} subjects can have a level of their own",
                                      logging::LevelTable::kSubjects));
  }
  if (reset || !changes.empty()) {
    log.set_levels(level, subjects);
    log.info("log.level", "what is logged was changed", logging::field("now", name(level)),
             logging::field("subjects", levels_of(log)["subjects"].dump()));
  }
  return levels_of(log);
}

} // namespace

void add_log_command(admin::Commands& commands, logging::Logger& log) {
  commands.add("log", [&log](const json& question) { return answer(log, question); });
}

LogCommand::LogCommand(std::string program, CLI::App& app)
    : command_(app.add_subcommand("log", "show and change what the running daemon logs")),
      daemon_(std::move(program), *command_) {
  command_
      ->add_option("change", changes_,
                   "debug, info, warning or error; SUBJECT=LEVEL, such as backend=debug; reset")
      ->type_name("LEVEL");
}

int LogCommand::ask(const std::string& socket) const {
  const auto answer = ask_daemon(socket, {{"command", "log"}, {"changes", changes_}});
  if (!answer) return daemon_.refused(answer.error().text);
  if (daemon_.json()) {
    print_json(*answer);
    return 0;
  }
  fmt::print("{:<20} {}\n", "all", text_of(*answer, "level"));
  const json subjects = answer->value("subjects", json::object());
  for (const auto& [subject, level] : subjects.items()) {
    fmt::print("{:<20} {}\n", subject, level.is_string() ? level.get<std::string>() : "");
  }
  if (const auto lost = answer->value("lines_lost", std::uint64_t{0}); lost != 0)
    fmt::print("{} lines could not be written and are lost\n", lost);
  return 0;
}

} // namespace program
