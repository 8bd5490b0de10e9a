// A file of lines that is appended to: the access log, the audit log. Writing never holds anybody
// up (see line_writer.h); all threads may use it at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libcore/base/error.h"
#include "libcore/log/line_writer.h"

namespace logging {

class LineFile {
 public:
  static constexpr std::size_t kLineLimit = std::size_t{16} * 1024; // a longer line is cut

  // Appends to the file; makes it (mode 0640) if it isn't there. `on_trouble` is called by a thread
  // of its own, when nothing can be written any more and when it can again.
  static core::Result<std::unique_ptr<LineFile>> open(
      std::string path, std::function<void(const LineWriter::Trouble&)> on_trouble = {});

  // Without its newline; one that is inside becomes a space.
  void append(std::string_view line);
  // Many at once: batch() adds a line to `lines`, and append_batch() takes all of them.
  static void batch(std::string& lines, std::string_view line);
  void append_batch(std::string_view lines) { writer_.add(lines); }

  // Opens the path again, since the file was moved away (logrotate). On failure the old file stays
  // in use.
  core::Result<void> reopen();
  void flush() { writer_.flush(); } // waits until what was appended is written, or can't be now

  const std::string& path() const { return path_; }
  std::uint64_t lost() const { return writer_.lost(); } // lines so far

 private:
  LineFile(std::string path, int descriptor,
           std::function<void(const LineWriter::Trouble&)> on_trouble)
      : path_(std::move(path)),
        writer_(descriptor, LineWriter::Ownership::owned, {.on_trouble = std::move(on_trouble)},
                LineWriter::Pace::gathering) {}

  const std::string path_;
  LineWriter writer_;
};

} // namespace logging
