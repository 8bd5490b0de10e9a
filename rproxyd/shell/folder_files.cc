#include "rproxyd/shell/folder_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "libcore/event/aside.h"
#include "libcore/event/fd.h"

namespace rproxyd {
namespace {

using event::Fd;

Fd open_folder(const std::string& folder) {
  return Fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// The kernel itself sees to it that nothing on the way, ".." and links included, leads out of the
// folder, also while somebody renames things in it.
Fd open_beneath(int folder, const char* path) {
  constexpr int kMaxRaces = 8; // with a rename somewhere in the system: EAGAIN
  open_how how{};
  // A pipe without a writer must not hold us up.
  how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int i = 0;; ++i) {
    Fd fd(static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how)));
    if (fd || errno != EAGAIN || i == kMaxRaces) return fd;
  }
}

bool is_shortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

// What another thread reads; also when nobody waits for it any more.
struct Fetch {
  Fd fd; // a copy: the file may be closed meanwhile
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes;
  std::function<void()>* waiting = nullptr; // of the loop's thread: who wants to know
  bool done = false;

  void run() {
    const ssize_t got = ::pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
};

class OpenFile final : public FileSource {
 public:
  OpenFile(event::Loop& loop, std::uint8_t* chunk, Fd fd, const FileFacts& facts,
           std::function<void()> ready)
      : loop_(loop), chunk_(chunk), fd_(std::move(fd)), facts_(facts), ready_(std::move(ready)) {}
  ~OpenFile() override {
    if (fetch_) fetch_->waiting = nullptr;
  }

  const FileFacts& facts() const override { return facts_; }

  std::optional<core::Bytes> read(std::uint64_t offset, std::uint64_t length) override {
    length = std::min<std::uint64_t>(length, kFileChunk);
    if (fetch_) {
      if (!fetch_->done) return std::nullopt;
      if (fetch_->offset == offset) {
        return core::Bytes(fetch_->bytes)
            .first(std::min<std::size_t>(fetch_->bytes.size(), length));
      }
      fetch_.reset();
    }
    iovec into{chunk_, static_cast<std::size_t>(length)};
    const ssize_t got = ::preadv2(fd_.get(), &into, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    if (got >= 0) return core::Bytes(chunk_, static_cast<std::size_t>(got));
    // Not in memory, or of a file system that can't tell.
    if (errno != EAGAIN && errno != EOPNOTSUPP && errno != EINTR && errno != ENOSYS)
      return core::Bytes{};
    return fetch(offset, static_cast<std::size_t>(length));
  }

 private:
  std::optional<core::Bytes> fetch(std::uint64_t offset, std::size_t length) {
    Fd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return core::Bytes{};
    fetch_ = std::make_shared<Fetch>(Fetch{.fd = std::move(copy),
                                           .offset = offset,
                                           .bytes = std::vector<std::uint8_t>(length),
                                           .waiting = &ready_});
    event::run_aside(
        loop_, [fetch = fetch_] { fetch->run(); },
        [fetch = fetch_] {
          fetch->done = true;
          if (fetch->waiting == nullptr) return;
          const auto ready = *fetch->waiting; // a copy: the file may be closed from inside
          ready();
        });
    return std::nullopt;
  }

  event::Loop& loop_;
  std::uint8_t* chunk_;
  Fd fd_;
  FileFacts facts_;
  std::function<void()> ready_;
  std::shared_ptr<Fetch> fetch_;
};

FileFacts facts_of(const struct stat& stat) {
  return {.size = static_cast<std::uint64_t>(stat.st_size),
          .modified = core::WallTime(std::chrono::seconds(stat.st_mtim.tv_sec)),
          .modified_nanoseconds = static_cast<std::uint32_t>(stat.st_mtim.tv_nsec)};
}

} // namespace

std::expected<std::unique_ptr<FileSource>, OpenFailure> FolderFiles::open(
    const std::string& folder, const std::string& path, std::function<void()> ready) {
  // Each time, so that a folder which is replaced by another one is seen.
  const Fd root = open_folder(folder);
  const auto failed = [] {
    return std::unexpected(is_shortage(errno) ? OpenFailure::shortage : OpenFailure::absent);
  };
  if (!root) return failed();
  Fd fd = open_beneath(root.get(), path.empty() ? "." : path.c_str());
  if (!fd) return failed();
  struct stat stat{};
  if (::fstat(fd.get(), &stat) != 0) return failed();
  if (S_ISDIR(stat.st_mode)) return std::unexpected(OpenFailure::folder);
  if (!S_ISREG(stat.st_mode)) return std::unexpected(OpenFailure::absent);
  return std::make_unique<OpenFile>(loop_, chunk_.get(), std::move(fd), facts_of(stat),
                                    std::move(ready));
}

core::Result<void> check_folder(const std::string& folder) {
  const Fd root = open_folder(folder);
  if (!root) return core::failure(folder + ": " + std::strerror(errno));
  if (!open_beneath(root.get(), ".")) return core::failure(folder + ": " + std::strerror(errno));
  return {};
}

} // namespace rproxyd
