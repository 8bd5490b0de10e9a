#include "rproxyd/proxy/path.h"

#include <vector>

namespace rproxyd {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view path) {
  std::string decoded;
  decoded.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      if (i + 2 >= path.size()) return std::nullopt;
      const int high = hex_value(path[i + 1]);
      const int low = hex_value(path[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0' || c == '\\') return std::nullopt;
    decoded += c;
  }
  return decoded;
}

} // namespace

std::optional<std::string> normalised_path(std::string_view target) {
  const auto decoded = percent_decoded(target.substr(0, target.find('?')));
  if (!decoded || !decoded->starts_with('/')) return std::nullopt;

  std::vector<std::string_view> kept;
  std::string_view rest(*decoded);
  bool trailing_slash = false;
  while (!rest.empty()) {
    rest.remove_prefix(1); // the slash
    const auto end = rest.find('/');
    std::string_view segment = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
    segment = segment.substr(0, segment.find(';'));
    trailing_slash = segment.empty() || segment == "." || segment == "..";
    if (segment == "..") {
      if (kept.empty()) return std::nullopt;
      kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }

  std::string path;
  for (const std::string_view segment : kept) {
    path += '/';
    path += segment;
  }
  if (path.empty() || trailing_slash) path += '/';
  return path;
}

} // namespace rproxyd
