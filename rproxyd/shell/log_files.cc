#include "rproxyd/shell/log_files.h"

namespace rproxyd {

core::Result<std::unique_ptr<logging::LineFile>> open_log(const std::string& path,
                                                          logging::Logger& log) {
  return logging::LineFile::open(path, [path, &log](const logging::LineWriter::Trouble& trouble) {
    if (trouble.reason.empty()) {
      log.info("log.recovered", "the file is written again", logging::field("file", path),
               logging::field("lines_lost", trouble.lost));
    } else {
      log.error("log.failed", "the file can't be written: its lines wait in memory for a while",
                logging::field("file", path), logging::field("reason", trouble.reason));
    }
  });
}

void reopen_log(logging::LineFile& file, logging::Logger& log) {
  if (const auto reopened = file.reopen(); !reopened) {
    log.error("log.reopen_failed", "lines go on to the old file",
              logging::field("reason", reopened.error()));
    return;
  }
  log.info("log.reopened", "lines go to a new file", logging::field("file", file.path()));
}

} // namespace rproxyd
