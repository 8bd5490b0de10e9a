#include "libcore/log/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace logging {

bool is_journal(int descriptor, const char* journal_stream) {
  if (journal_stream == nullptr) return false;
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == journal_stream;
}

std::string_view journal_prefix(Level level) {
  switch (level) { // syslog(3)
    case Level::error:
      return "<3>";
    case Level::warning:
      return "<4>";
    case Level::info:
      return "<6>";
    case Level::debug:
      return "<7>";
  }
  return "<3>";
}

} // namespace logging
