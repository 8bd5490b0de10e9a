#include "libcore/config/load.h"

#include <fmt/format.h>

namespace config {

std::optional<File> read_file(const std::string& path, const Surroundings& surroundings,
                              Problems& problems, std::size_t most) {
  const auto content = surroundings.read_file(path, most);
  if (!content) {
    problems.push_back({Severity::error,
                        {path, 0, 0, ""},
                        fmt::format("cannot be read: {}", content.error().text),
                        ""});
    return std::nullopt;
  }
  auto document = Document::parse(path, content->text, problems, most);
  if (!document) return std::nullopt;
  return File{*std::move(document), content->world_readable};
}

} // namespace config
