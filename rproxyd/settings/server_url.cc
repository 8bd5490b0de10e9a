#include "rproxyd/settings/server_url.h"

#include <algorithm>
#include <charconv>

#include "libcore/base/address.h"

namespace rproxyd {
namespace {

constexpr std::size_t kMaxNameBytes = 253; // RFC 1035 section 3.1, in text
constexpr std::size_t kMaxLabelBytes = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool is_label(std::string_view label) {
  const auto allowed = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, allowed);
}

} // namespace

std::optional<Settings::Server> parse_server(std::string_view url) {
  Settings::Server server;
  if (url.starts_with("https://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
    server.scheme = Settings::Scheme::http;
    server.port = 80;
  } else {
    return std::nullopt;
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  server.authority = url;

  std::string_view after_host;
  if (url.starts_with('[')) {
    const auto end = url.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    server.host = url.substr(1, end - 1);
    after_host = url.substr(end + 1);
    const auto ip = core::IpAddress::parse(server.host);
    if (!ip || ip->family != core::Family::ipv6) return std::nullopt;
  } else {
    const auto end = std::min(url.find(':'), url.size());
    server.host = url.substr(0, end);
    after_host = url.substr(end);
    if (!is_host_name(server.host)) return std::nullopt;
  }
  // The records of a service tell the ports.
  if (server.is_service() && !after_host.empty()) return std::nullopt;
  if (after_host.empty()) return server;
  if (after_host.front() != ':') return std::nullopt;
  const auto port = parse_port(after_host.substr(1));
  if (!port) return std::nullopt;
  server.port = *port;
  return server;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  std::string_view label;
  for (std::string_view rest = name;;) {
    const auto dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return !std::ranges::all_of(label, is_digit) || core::IpAddress::parse(name).has_value();
}

} // namespace rproxyd
