#include "libcore/config/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <system_error>

namespace config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

std::unexpected<core::Error> system_failure() {
  return core::failure(std::generic_category().message(errno));
}

} // namespace

std::optional<std::string> SystemSurroundings::variable(const std::string& name) const {
  const char* value = ::getenv(name.c_str()); // NOLINT(concurrency-mt-unsafe): nobody calls setenv
  return value ? std::optional<std::string>(value) : std::nullopt;
}

core::Result<FileContent> SystemSurroundings::read_file(const std::string& path,
                                                        std::size_t limit) const {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.number() < 0) return system_failure();
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) return system_failure();

  FileContent content;
  content.world_readable = S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0 &&
                           !path.starts_with(kMountedSecrets);
  std::array<char, 16384> buffer{};
  for (;;) {
    const auto count = ::read(file.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure();
    if (count == 0) return content;
    content.text.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.text.size() > limit) {
      return core::failure(fmt::format("is larger than {} bytes", limit));
    }
  }
}

} // namespace config
