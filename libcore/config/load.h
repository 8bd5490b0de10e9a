// From a path to settings: read, parse, hand the root to a reader, and see whether it can be used.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "libcore/config/document.h"
#include "libcore/config/leave_out.h"
#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"
#include "libcore/config/value.h"

namespace config {

struct File {
  Document document;
  bool world_readable = false;
};

// nullopt: it can't be read or parsed, and a problem says why.
std::optional<File> read_file(const std::string& path, const Surroundings& surroundings,
                              Problems& problems, std::size_t most = Document::kMaxBytes);

// `read`: Settings(const Value& root); the files that it reads are noted in Settings::files_read. `review`: Problems(const Settings&, const Document&), what
// the program says about settings that are right in themselves.
template <typename Settings, typename Read, typename Review>
std::expected<Loaded<Settings>, Problems> load(const std::string& path,
                                               const Surroundings& surroundings, Read read,
                                               Review review) {
  Problems problems;
  auto file = read_file(path, surroundings, problems);
  if (!file) return std::unexpected(std::move(problems));
  leave_out(file->document, surroundings, problems);
  const NotingSurroundings noting(surroundings);
  Reading reading{file->document, noting, problems, file->world_readable};
  Settings settings = read(Value::root(reading));
  settings.files_read = noting.files();
  for (auto& problem : review(settings, file->document)) problems.push_back(std::move(problem));
  if (has_error(problems)) return std::unexpected(std::move(problems));
  return Loaded<Settings>{std::move(settings), std::move(problems)};
}

} // namespace config
