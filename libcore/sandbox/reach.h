// Which files a daemon must be able to use: what Landlock leaves it. In folders, since files are
// replaced by others of the same name (certificates, logs, resolv.conf), which a rule of one file
// would not hold for.
#pragma once

#include <string>
#include <vector>

namespace sandbox {

class Reach {
 public:
  // What is there, and what takes its place, through symbolic links, too.
  void read_file(const std::string& path);
  void write_file(const std::string& path); // and others beside it, and their removal
  // With everything in it; `path` may come to be another folder.
  void read_folder(const std::string& path);

  const std::vector<std::string>& readable() const { return read_; }
  const std::vector<std::string>& writable() const { return written_; }

  // What `wanted` has and this one has not, as it was written there.
  std::vector<std::string> lacks(const Reach& wanted) const;

 private:
  static void add(std::vector<std::string>& places, const std::string& path);

  std::vector<std::string> read_;
  std::vector<std::string> written_;
};

// The folder that holds it, or the nearest one above that is there; itself where that would be "/", or
// where it belongs to the kernel (/dev, /proc).
std::string place_of(const std::string& path);

} // namespace sandbox
