#include "rproxyd/proxy/content_type.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

using Entry = std::pair<std::string_view, std::string_view>;

// What web apps and their branding consist of. Text is UTF-8.
constexpr std::array kTypes = std::to_array<Entry>({
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"eot", "application/vnd.ms-fontobject"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tflite", "application/octet-stream"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
});
static_assert(std::ranges::is_sorted(kTypes, {}, &Entry::first));

constexpr std::string_view kUnknown = "application/octet-stream";
constexpr std::size_t kMaxEndingBytes = 32;

} // namespace

std::string_view content_type(std::string_view path, const ContentTypes& own) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || name.size() - dot > kMaxEndingBytes) return kUnknown;
  std::string ending(name.substr(dot + 1));
  std::ranges::transform(ending, ending.begin(), to_lower);
  if (const auto found = own.find(ending); found != own.end()) return found->second;
  const auto found = std::ranges::lower_bound(kTypes, std::string_view(ending), {}, &Entry::first);
  return found != kTypes.end() && found->first == ending ? found->second : kUnknown;
}

bool is_compressible(std::string_view content_type) {
  constexpr std::array<std::string_view, 9> kWorthIt{"application/javascript",
                                                     "application/json",
                                                     "application/vnd.ms-fontobject",
                                                     "application/wasm",
                                                     "application/xml",
                                                     "font/otf",
                                                     "font/ttf",
                                                     "image/bmp",
                                                     "image/vnd.microsoft.icon"};
  std::string type(without_white_space_around(content_type.substr(0, content_type.find(';'))));
  std::ranges::transform(type, type.begin(), to_lower);
  if (type == "text/event-stream") return false;
  return type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml") ||
         std::ranges::find(kWorthIt, type) != kWorthIt.end();
}

} // namespace rproxyd
