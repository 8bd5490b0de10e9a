// Which file of a static folder answers a request.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "rproxyd/http/message.h"
#include "rproxyd/proxy/file_source.h"
#include "rproxyd/proxy/routes.h"

namespace rproxyd {

struct FoundFile {
  std::unique_ptr<FileSource> file;
  std::string_view content_type; // borrowed from the route's rules, or a literal
  std::string_view coding;       // "br", "gzip" or none
  bool varies = false;           // with Accept-Encoding
};

struct FolderMiss {
  enum class Kind : std::uint8_t {
    not_found, // 404
    moved,     // to `location`: a folder, asked for without its final slash
    shortage,  // 503
  };
  Kind kind = Kind::not_found;
  std::string location = {};
};

// `request` is a GET or HEAD that `route`, of Kind::folder, has matched. Names that begin with a dot
// are never served, but for /.well-known (RFC 8615); nor are listings of folders.
std::expected<FoundFile, FolderMiss> find_file(FileOpener& files, const Route& route,
                                               const RequestHead& request);

} // namespace rproxyd
