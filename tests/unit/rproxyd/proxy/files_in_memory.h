// A folder whose files are strings.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "rproxyd/proxy/file_source.h"

namespace rproxyd {

class FilesInMemory final : public FileOpener {
 public:
  struct File {
    std::string content;
    core::WallTime modified = core::WallTime(std::chrono::seconds(1'700'000'000));
    bool fetched = true;                      // else the next read says that it is not in memory
    std::size_t readable = std::string::npos; // the file has become that short since
  };
  std::map<std::string, File> files; // by folder and path: "/srv/index.html"
  bool shortage = false;

  std::expected<std::unique_ptr<FileSource>, OpenFailure> open_file(
      const std::string& folder, const std::string& path) override {
    if (shortage) return std::unexpected(OpenFailure::shortage);
    std::string name = folder;
    if (!path.empty()) name += '/' + path;
    if (const auto found = files.find(name); found != files.end())
      return std::make_unique<Source>(found->second);
    if (!name.ends_with('/')) name += '/';
    const auto below = files.lower_bound(name);
    return std::unexpected(below != files.end() && below->first.starts_with(name)
                               ? OpenFailure::folder
                               : OpenFailure::absent);
  }

 private:
  class Source final : public FileSource {
   public:
    explicit Source(File& file) : file_(file) {
      facts_ = {.size = file.content.size(), .modified = file.modified};
    }
    const FileFacts& facts() const override { return facts_; }
    std::optional<core::Bytes> read(std::uint64_t offset, std::uint64_t length) override {
      if (!file_.fetched) return std::nullopt;
      const auto all =
          core::bytes_of(file_.content).first(std::min(file_.content.size(), file_.readable));
      const auto rest = all.subspan(std::min<std::size_t>(offset, all.size()));
      return rest.first(std::min({rest.size(), std::size_t{length}, kFileChunk}));
    }

   private:
    File& file_;
    FileFacts facts_;
  };
};

} // namespace rproxyd
