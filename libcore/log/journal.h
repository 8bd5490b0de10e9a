// systemd's journal takes a priority from the beginning of each line, "<3>" (sd-daemon(3)).
#pragma once

#include <string_view>

#include "libcore/log/level.h"

namespace logging {

// Whether the descriptor is the stream that systemd made for this service: it names the stream's
// device and inode in JOURNAL_STREAM (systemd.exec(5)).
bool is_journal(int descriptor, const char* journal_stream);

std::string_view journal_prefix(Level level);

} // namespace logging
