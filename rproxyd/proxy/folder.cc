#include "rproxyd/proxy/folder.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <utility>

#include "rproxyd/http/accept_encoding.h"
#include "rproxyd/http/text.h"
#include "rproxyd/proxy/content_type.h"
#include "rproxyd/proxy/path.h"

namespace rproxyd {
namespace {

using Opened = std::expected<std::unique_ptr<FileSource>, OpenFailure>;

bool is_hidden(std::string_view path) { // "a/.git/config"
  for (std::string_view rest = path; !rest.empty();) {
    const auto end = std::min(rest.find('/'), rest.size());
    const auto segment = rest.substr(0, end);
    if (segment.starts_with('.') && segment != ".well-known") return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

// What a browser asks for when it shows a page of a web app: no file with an ending.
bool looks_like_page(std::string_view path) {
  return !path.substr(path.rfind('/') + 1).contains('.');
}

// A path of a Location: what is not plain is percent-encoded.
std::string encoded(std::string_view path) {
  constexpr std::string_view kPlain = "/-._~!$&'()*+,=:@";
  std::string result;
  for (const char c : path) {
    const char lower = to_lower(c);
    if (is_digit(c) || (lower >= 'a' && lower <= 'z') || kPlain.contains(c)) {
      result += c;
    } else {
      fmt::format_to(std::back_inserter(result), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

FolderMiss miss_of(OpenFailure failure) {
  return {failure == OpenFailure::shortage ? FolderMiss::Kind::shortage
                                           : FolderMiss::Kind::not_found};
}

// The same content, compressed beforehand, if it is there and not older.
std::optional<FoundFile> precompressed(FileOpener& files, const std::string& folder,
                                       const std::string& path, const FoundFile& plain,
                                       const AcceptedCodings& accepted) {
  struct Coding {
    bool accepted;
    std::string_view name;
    std::string_view ending;
  };
  for (const Coding& coding :
       {Coding{accepted.br, "br", ".br"}, Coding{accepted.gzip, "gzip", ".gz"}}) {
    if (!coding.accepted) continue;
    auto file = files.open_file(folder, path + std::string(coding.ending));
    if (!file || (*file)->facts().modified < plain.file->facts().modified) continue;
    return FoundFile{.file = *std::move(file),
                     .content_type = plain.content_type,
                     .coding = coding.name,
                     .varies = true};
  }
  return std::nullopt;
}

class Search {
 public:
  Search(FileOpener& files, const Route& route, const RequestHead& request)
      : files_(files), route_(route), request_(request) {}

  std::expected<FoundFile, FolderMiss> run(const std::string& path) {
    const std::string below = below_folder(path);
    if (is_hidden(below)) return std::unexpected(FolderMiss{});
    auto found = below.empty() || below.ends_with('/') ? index_of(below, path) : open(below);
    if (!found && found.error() == OpenFailure::folder) {
      if (!path.ends_with('/')) return std::unexpected(moved_to(path + '/'));
      found = std::unexpected(OpenFailure::absent);
    }
    if (!found && found.error() == OpenFailure::absent && !route_.folder.fallback.empty() &&
        looks_like_page(below)) {
      found = open(route_.folder.fallback);
    }
    if (!found) return std::unexpected(miss_of(found.error()));
    return *std::move(found);
  }

 private:
  // Of an exact route the file is the path's last segment.
  std::string below_folder(const std::string& path) const {
    if (route_.exact) return path.substr(path.rfind('/') + 1);
    std::string below = path.substr(route_.path.size());
    if (below.starts_with('/')) below.erase(0, 1);
    return below;
  }

  std::expected<FoundFile, OpenFailure> index_of(const std::string& below,
                                                 const std::string& path) {
    // The route's own path, asked for without its slash: links in the page would lead elsewhere.
    if (below.empty() && !path.ends_with('/')) return std::unexpected(OpenFailure::folder);
    OpenFailure failure = OpenFailure::absent;
    for (const std::string& name : route_.folder.index) {
      auto found = open(below + name);
      if (found || found.error() == OpenFailure::shortage) return found;
      failure = OpenFailure::absent;
    }
    return std::unexpected(failure);
  }

  std::expected<FoundFile, OpenFailure> open(const std::string& below) {
    auto file = files_.open_file(route_.target, below);
    if (!file) return std::unexpected(file.error());
    FoundFile found{.file = *std::move(file),
                    .content_type = content_type(below, route_.folder.types),
                    .coding = {},
                    .varies = false};
    if (!route_.folder.precompressed || !is_compressible(found.content_type)) return found;
    found.varies = true; // whether or not there is another form now: caches keep it for later
    if (auto other =
            precompressed(files_, route_.target, below, found, accepted_codings(request_.fields))) {
      return *std::move(other);
    }
    return found;
  }

  FolderMiss moved_to(std::string_view path) const {
    const auto query = request_.target.find('?');
    std::string location = encoded(path);
    if (query != std::string::npos) location += request_.target.substr(query);
    return {.kind = FolderMiss::Kind::moved, .location = std::move(location)};
  }

  FileOpener& files_;
  const Route& route_;
  const RequestHead& request_;
};

} // namespace

std::expected<FoundFile, FolderMiss> find_file(FileOpener& files, const Route& route,
                                               const RequestHead& request) {
  const auto path = normalised_path(request.target);
  if (!path) return std::unexpected(FolderMiss{});
  return Search(files, route, request).run(*path);
}

} // namespace rproxyd
