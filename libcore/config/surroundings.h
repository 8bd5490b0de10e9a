// What a configuration file may refer to outside of itself: environment variables and files.
// Readers get it as an argument, so that tests need neither.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/error.h"

namespace config {

struct FileContent {
  std::string text;
  bool world_readable = false; // by others than the daemon; see kMountedSecrets
};

// Where Docker, Podman and Swarm mount a container's secrets, readable by everybody if nothing else
// is asked for: everybody is the daemon there.
inline constexpr std::string_view kMountedSecrets = "/run/secrets/";

class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual std::optional<std::string> variable(const std::string& name) const = 0;
  // The whole file; a failure's text is the reason alone ("No such file or directory", "is larger
  // than 1048576 bytes"), without the path.
  virtual core::Result<FileContent> read_file(const std::string& path, std::size_t limit) const = 0;
};

// The process's own environment and file system.
class SystemSurroundings final : public Surroundings {
 public:
  std::optional<std::string> variable(const std::string& name) const override;
  core::Result<FileContent> read_file(const std::string& path, std::size_t limit) const override;
};

// The same, with a list of the files that were asked for.
class NotingSurroundings final : public Surroundings {
 public:
  explicit NotingSurroundings(const Surroundings& behind) : behind_(behind) {}
  std::optional<std::string> variable(const std::string& name) const override {
    return behind_.variable(name);
  }
  core::Result<FileContent> read_file(const std::string& path, std::size_t limit) const override {
    files_.push_back(path);
    return behind_.read_file(path, limit);
  }
  const std::vector<std::string>& files() const { return files_; }

 private:
  const Surroundings& behind_;
  mutable std::vector<std::string> files_;
};

} // namespace config
