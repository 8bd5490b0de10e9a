// Files as an exchange sees them. The shell opens and reads them.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "libcore/base/bytes.h"
#include "libcore/base/time.h"

namespace rproxyd {

// Bytes that one read of a file gives at most.
inline constexpr std::size_t kFileChunk = std::size_t{64} * 1024;

struct FileFacts {
  std::uint64_t size = 0;
  core::WallTime modified{};              // the second in which it was
  std::uint32_t modified_nanoseconds = 0; // within it
};

// An open file. What it was when it was opened is what is sent of it; one that has become shorter
// meanwhile gives an answer that is cut short.
class FileSource {
 public:
  virtual ~FileSource() = default;
  virtual const FileFacts& facts() const = 0;
  // At most `length` bytes from `offset`, and at most kFileChunk; borrowed until the next read of
  // any file. None: the file ends there, or can't be read. nullopt: they are not in memory. They
  // are being fetched, and the exchange is told by on_file_ready() when to ask again.
  virtual std::optional<core::Bytes> read(std::uint64_t offset, std::uint64_t length) = 0;
};

enum class OpenFailure : std::uint8_t {
  absent,   // nothing there, nothing that can be served, or nothing that may be
  folder,   // a folder
  shortage, // of our own descriptors or memory
};

class FileOpener {
 public:
  // The file `path` (without a leading slash) below `folder`, and nothing else: no link in `path`
  // leads out.
  virtual std::expected<std::unique_ptr<FileSource>, OpenFailure> open_file(
      const std::string& folder, const std::string& path) = 0;

 protected:
  ~FileOpener() = default;
};

} // namespace rproxyd
