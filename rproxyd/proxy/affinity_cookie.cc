#include "rproxyd/proxy/affinity_cookie.h"

#include <fmt/format.h>

#include <charconv>

namespace rproxyd {
namespace {

constexpr std::size_t kDigits = 16;

std::optional<BackendKey> parse_key(std::string_view text) {
  std::uint64_t key = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key, 16);
  if (text.size() != kDigits || error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return static_cast<BackendKey>(key);
}

} // namespace

// RFC 6265 section 5.4: "name=value" pairs, separated by "; ".
std::optional<BackendKey> wanted_backend(const FieldList& request) {
  for (std::size_t i = 0; i < request.size(); ++i) {
    if (request[i].name != "cookie") continue;
    for (std::string_view rest = request[i].value; !rest.empty();) {
      const auto end = rest.find(';');
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != kAffinityCookie) continue;
      return parse_key(pair.substr(equals + 1));
    }
  }
  return std::nullopt;
}

std::string affinity_cookie(BackendKey backend, bool secure) {
  return fmt::format("{}={:016x}; Path=/; HttpOnly{}", kAffinityCookie,
                     static_cast<std::uint64_t>(backend), secure ? "; Secure; SameSite=None" : "");
}

} // namespace rproxyd
