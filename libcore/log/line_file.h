// A file of lines that is appended to from an event loop: the access log. Lines wait in memory
// until flush(), once per wake-up of the loop. While the disk is full, or the reader of a pipe
// sleeps, they go on waiting; when there are too many, the newest are dropped and counted. It never
// waits itself.
//
// Not thread-safe: each worker has its own, on the same path; appends of whole lines don't mix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libcore/base/error.h"

namespace logging {

class LineFile {
 public:
  static constexpr std::size_t kBufferLimit = std::size_t{256} * 1024; // bytes that wait at most
  static constexpr std::size_t kLineLimit = std::size_t{16} * 1024;    // a longer line is cut

  // Appends to the file; makes it (mode 0640) if it isn't there.
  static core::Result<LineFile> open(std::string path);
  ~LineFile();
  LineFile(LineFile&& other) noexcept;
  LineFile& operator=(LineFile&& other) noexcept;

  // Without its newline; one that is inside becomes a space.
  void append(std::string_view line);
  void flush(); // writes what it can
  // Flushes, then opens the path again (logrotate). On failure the old file stays in use.
  core::Result<void> reopen();

  const std::string& path() const { return path_; }
  std::uint64_t dropped() const { return dropped_; } // lines so far

 private:
  LineFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_ = -1;
  std::string buffer_;
  bool mid_line_ = false; // the first line that waits is partly written
  std::uint64_t dropped_ = 0;
};

} // namespace logging
