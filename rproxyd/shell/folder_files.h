// Opens and reads the files of static folders.
//
// Reads take what is in the page cache at once, at most kFileChunk of it, and leave everything else
// to another thread: a slow disk holds up nobody but those who wait for it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "libcore/base/error.h"
#include "libcore/event/loop.h"
#include "rproxyd/proxy/file_source.h"

namespace rproxyd {

// A worker's own; outlives its files.
class FolderFiles {
 public:
  explicit FolderFiles(event::Loop& loop) : loop_(loop) {}

  // See FileOpener. `ready` is called, as on_file_ready() asks for, while the file is open.
  std::expected<std::unique_ptr<FileSource>, OpenFailure> open(const std::string& folder,
                                                               const std::string& path,
                                                               std::function<void()> ready);

 private:
  event::Loop& loop_;
  std::unique_ptr<std::uint8_t[]> chunk_ = std::make_unique<std::uint8_t[]>(kFileChunk);
};

// Whether files of the folder can be opened; else why not.
core::Result<void> check_folder(const std::string& folder);

} // namespace rproxyd
