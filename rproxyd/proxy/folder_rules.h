// How a static folder is served.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace rproxyd {

struct FolderRules {
  std::vector<std::string> index = {"index.html"}; // in a folder, the first that is there serves
  std::string fallback;                            // serves pages that are not there; empty: 404
  std::string cache_control;                       // empty: none is sent
  std::map<std::string, std::string, std::less<>> types; // by ending, such as "webp"
  bool precompressed = true; // FILE.br and FILE.gz serve clients that take them
};

} // namespace rproxyd
