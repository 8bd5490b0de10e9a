// The file in which bans survive a restart. Written whole, beside the old one, and put in its place
// when it is on the disk; readable by the daemon's user alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/base/time.h"
#include "libcore/log/log.h"
#include "rproxyd/guard/ban_list.h"

namespace rproxyd {

class BanStore {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024 * 1024;

  explicit BanStore(std::string path) : path_(std::move(path)) {}

  // None when there is no file yet. A damaged one is put aside, which `log` says.
  core::Result<std::vector<Ban>> load(const core::Now& now, core::Duration longest,
                                      logging::Logger& log) const;
  core::Result<void> save(const std::vector<Ban>& bans, const core::Now& now) const;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

} // namespace rproxyd
