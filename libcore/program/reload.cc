#include "libcore/program/reload.h"

#include <fmt/format.h>

#include "libcore/event/loop.h"

namespace program {

ReloadRecord::ReloadRecord(core::WallTime started) { figures_.loaded = started; }

ReloadRecord::Figures ReloadRecord::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void ReloadRecord::done(core::WallTime at, std::vector<std::string> needs_restart) {
  const std::lock_guard lock(mutex_);
  figures_.loaded = at;
  ++figures_.done;
  figures_.last_refusal.reset();
  figures_.needs_restart = std::move(needs_restart);
}

void ReloadRecord::refused(core::WallTime at, std::vector<std::string> problems) {
  if (problems.size() > kMaxProblems) problems.resize(kMaxProblems);
  const std::lock_guard lock(mutex_);
  ++figures_.refused;
  figures_.last_refusal = {.at = at, .problems = std::move(problems)};
}

void ReloadReport::begin() { log_.info("reload.begin", "the configuration is read again"); }

void ReloadReport::warnings(const config::Problems& problems) {
  for (const config::Problem& problem : problems) {
    log_.warning("config", config::to_string(problem));
  }
}

void ReloadReport::refused(const config::Problems& problems) {
  std::vector<std::string> errors;
  for (const config::Problem& problem : problems) {
    const std::string text = config::to_string(problem);
    if (problem.severity == config::Severity::error) {
      log_.error("config", text);
      errors.push_back(text);
    } else {
      log_.warning("config", text);
    }
  }
  record_.refused(event::read_now().wall, std::move(errors));
  log_.error("reload.refused", "nothing has changed",
             logging::field("number", record_.figures().refused));
}

void ReloadReport::refused(const core::Error& error) {
  record_.refused(event::read_now().wall, {error.text});
  log_.error("reload.refused", "nothing has changed", logging::field("reason", error),
             logging::field("number", record_.figures().refused));
}

void ReloadReport::done(const std::vector<std::string>& needs_restart) {
  if (!needs_restart.empty()) {
    log_.warning("reload.incomplete", "what has changed here takes a restart",
                 logging::field("changed", fmt::format("{}", fmt::join(needs_restart, ", "))));
  }
  record_.done(event::read_now().wall, needs_restart);
  log_.info("reload.done", "the configuration is in force",
            logging::field("number", record_.figures().done));
}

WatchedFiles::WatchedFiles(event::Loop& loop, logging::Logger& log, std::function<void()> run)
    : log_(log), watch_(loop, [this, run = std::move(run)] {
        log_.info("reload.files_changed", "files have changed that the configuration names");
        run();
      }) {}

void WatchedFiles::set(std::vector<std::string> files) {
  if (watch_.set(std::move(files))) return;
  log_.warning("reload.not_watched",
               "not every file can be watched: after a change of the others reload by hand");
}

} // namespace program
