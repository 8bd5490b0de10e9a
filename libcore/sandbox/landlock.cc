#include "libcore/sandbox/landlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "libcore/event/fd.h"

namespace sandbox {
namespace {

// As in linux/landlock.h, of which a distribution's may know fewer rights than the kernel.
enum Right : std::uint64_t {
  kExecute = 1U << 0,
  kWriteFile = 1U << 1,
  kReadFile = 1U << 2,
  kReadFolder = 1U << 3,
  kRemoveFile = 1U << 5,
  kMakeFile = 1U << 8,
  kMakeSocket = 1U << 9,
  kAllOfVersion1 = (1U << 13) - 1,
  kRefer = 1U << 13,
  kTruncate = 1U << 14,
  kIoctlOfDevice = 1U << 15,
};

struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
};
struct [[gnu::packed]] PathBeneathAttributes {
  std::uint64_t allowed_access = 0;
  std::int32_t parent_fd = -1;
};
constexpr int kRulePathBeneath = 1;
constexpr unsigned kCreateRulesetVersion = 1;

// The newest version that is made use of.
constexpr int kVersionWithIoctl = 5;
constexpr int kVersionWithTruncate = 3;
constexpr int kVersionWithRefer = 2;

constexpr std::uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlOfDevice;
constexpr std::uint64_t kReading = kReadFile | kReadFolder;
constexpr std::uint64_t kWriting =
    kReading | kWriteFile | kTruncate | kMakeFile | kMakeSocket | kRemoveFile;

std::uint64_t rights_of(int version) {
  std::uint64_t rights = kAllOfVersion1;
  if (version >= kVersionWithRefer) rights |= kRefer;
  if (version >= kVersionWithTruncate) rights |= kTruncate;
  if (version >= kVersionWithIoctl) rights |= kIoctlOfDevice;
  return rights;
}

std::unexpected<core::Error> failed(std::string_view call) {
  return core::failure(fmt::format("{}: {}", call, std::generic_category().message(errno)));
}

core::Result<void> allow(int ruleset, const std::string& path, std::uint64_t rights) {
  const event::Fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status{};
  if (place.get() < 0 || ::fstat(place.get(), &status) != 0) return {};
  if (!S_ISDIR(status.st_mode)) rights &= kOfFiles;
  const PathBeneathAttributes attributes{.allowed_access = rights, .parent_fd = place.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, kRulePathBeneath, &attributes, 0U) == 0) return {};
  if (errno == EBADFD) return {}; // a pipe or a socket, which is allowed in any case
  return failed("landlock_add_rule for " + path);
}

} // namespace

int landlock_version() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, kCreateRulesetVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

core::Result<void> limit_files(const Reach& reach) {
  const std::uint64_t handled = rights_of(landlock_version());
  const RulesetAttributes attributes{.handled_access_fs = handled};
  const event::Fd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0U)));
  if (ruleset.get() < 0) return failed("landlock_create_ruleset");
  for (const std::string& each : reach.readable()) {
    if (auto allowed = allow(ruleset.get(), each, kReading & handled); !allowed) return allowed;
  }
  for (const std::string& each : reach.writable()) {
    if (auto allowed = allow(ruleset.get(), each, kWriting & handled); !allowed) return allowed;
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0U) != 0)
    return failed("landlock_restrict_self");
  return {};
}

} // namespace sandbox
