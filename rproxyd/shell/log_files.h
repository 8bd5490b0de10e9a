// The access log and the audit log: files of lines whose troubles the daemon's own log tells.
#pragma once

#include <memory>
#include <string>

#include "libcore/base/error.h"
#include "libcore/log/line_file.h"
#include "libcore/log/log.h"

namespace rproxyd {

// `log` must outlive the file.
core::Result<std::unique_ptr<logging::LineFile>> open_log(const std::string& path,
                                                          logging::Logger& log);

// For logrotate: its file was moved away. What can't be opened stays as it was, and is said.
void reopen_log(logging::LineFile& file, logging::Logger& log);

} // namespace rproxyd
