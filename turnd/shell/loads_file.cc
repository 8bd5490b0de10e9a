#include "turnd/shell/loads_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "libcore/base/time.h"
#include "libcore/config/problem.h"
#include "libcore/config/surroundings.h"
#include "turnd/relay/loads_format.h"

namespace turnd {
namespace {

std::unexpected<core::Error> problem(const std::string& path, std::size_t line, std::string found,
                                     std::string expected) {
  return core::failure(config::to_string(
      {.severity = config::Severity::warning,
       .place = {.file = path, .line = static_cast<unsigned>(line), .column = 0, .pointer = {}},
       .found = std::move(found),
       .expected = std::move(expected)}));
}

std::chrono::nanoseconds written(const struct stat& status) {
  return std::chrono::seconds(status.st_mtim.tv_sec) +
         std::chrono::nanoseconds(status.st_mtim.tv_nsec);
}

} // namespace

void LoadsFile::start() {
  seen_.reset();
  look();
}

void LoadsFile::look() {
  const auto settings = service_.settings();
  const auto& path = settings->alternate.loads_file;
  if (!path) {
    service_.sibling_loads().set_unwanted();
    said_.clear();
    return loop_.cancel(deadline_);
  }
  loop_.set_after(deadline_, kLookEvery);
  const auto done = take(*path);
  if (!done) {
    service_.sibling_loads().set_unknown(done.error().text);
    if (done.error().text == said_) return;
    said_ = done.error().text;
    service_.log().warning("loads.unknown",
                           said_ + "; until then nobody is sent away because of load");
  } else if (!said_.empty()) {
    said_.clear();
    service_.log().info("loads.known", "the loads of the alternate servers are known",
                        logging::field("file", *path));
  }
}

// A file that hasn't changed is not read again.
core::Result<void> LoadsFile::take(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    seen_.reset();
    return problem(path, 0, std::generic_category().message(errno),
                   "what deploy/turn_loads writes");
  }
  if (!S_ISREG(status.st_mode)) {
    seen_.reset();
    return problem(path, 0, "is no file", "what deploy/turn_loads writes");
  }
  const Version version{.file = status.st_ino, .size = status.st_size, .written = written(status)};
  const auto age = std::chrono::system_clock::now().time_since_epoch() - version.written;
  if (age > SiblingLoadTable::kMaxAge || -age > SiblingLoadTable::kMaxAge) {
    seen_.reset();
    return problem(path, 0,
                   age.count() < 0 ? "was written at a time that is still to come"
                                   : fmt::format("was last written more than {} seconds ago",
                                                 core::seconds_of(SiblingLoadTable::kMaxAge)),
                   "one that is written anew every few seconds");
  }
  if (seen_ == version) return outcome_;
  seen_ = version;
  outcome_ = read(path, event::read_now().steady - std::max(age, std::chrono::nanoseconds(0)));
  return outcome_;
}

core::Result<void> LoadsFile::read(const std::string& path, core::TimePoint as_of) {
  const auto content = config::SystemSurroundings().read_file(path, kMaxLoadsFileBytes);
  if (!content) return problem(path, 0, content.error().text, "");
  auto loads = read_loads(content->text);
  if (!loads) {
    return problem(path, loads.error().line, loads.error().text, loads.error().expected);
  }
  const auto settings = service_.settings();
  const auto& servers = settings->alternate.servers;
  std::erase_if(*loads, [&servers](const ServerLoad& each) {
    return std::ranges::find(servers, each.server) == servers.end();
  });
  service_.sibling_loads().set(*loads, service_.quota().taken(), as_of);
  return {};
}

} // namespace turnd
