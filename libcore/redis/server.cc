#include "libcore/redis/server.h"

#include <fmt/format.h>

#include <charconv>

#include "libcore/base/address.h"

namespace redis {
namespace {

constexpr std::string_view kPlain = "redis://";
constexpr std::string_view kTls = "rediss://";
constexpr std::size_t kMaxHost = 253;
constexpr std::size_t kMaxUser = 256;
constexpr std::size_t kMaxPassword = 4096;

template <typename Number>
std::optional<Number> number_of(std::string_view text, Number most) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number > most)
    return std::nullopt;
  return number;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 section 2.1.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = digit_of(text[i + 1]);
    const int low = digit_of(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > kMaxHost) return false;
  return host.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
         std::string_view::npos;
}

bool take_login(std::string_view login, Server& server) {
  const auto colon = login.find(':');
  const auto user = decoded(login.substr(0, colon));
  if (!user || user->size() > kMaxUser) return false;
  server.user = *user;
  if (colon == std::string_view::npos) return true;
  auto password = decoded(login.substr(colon + 1));
  if (!password || password->size() > kMaxPassword) return false;
  server.password = core::Secret(*std::move(password));
  return true;
}

} // namespace

std::string Server::to_string() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}{}:{}/{}", tls ? kTls : kPlain, ipv6 ? "[" : "", host, ipv6 ? "]" : "",
                     port, database);
}

bool is_url(std::string_view text) { return text.starts_with(kPlain) || text.starts_with(kTls); }

std::expected<Server, std::string> parse_url(std::string_view text) {
  Server server;
  server.tls = text.starts_with(kTls);
  if (!is_url(text)) return std::unexpected("it is no redis:// URL");
  text.remove_prefix(server.tls ? kTls.size() : kPlain.size());
  // A password may have any of the characters that follow.
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    if (!take_login(text.substr(0, at), server))
      return std::unexpected("its user and password can't be read");
    text.remove_prefix(at + 1);
  }
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto database = text.substr(slash + 1);
    if (!database.empty()) {
      const auto number = number_of<unsigned>(database, kMaxDatabase);
      if (!number) return std::unexpected("its database is no number up to 1023");
      server.database = *number;
    }
    text = text.substr(0, slash);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::unexpected("its host can't be read");
    server.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    const auto ip = core::IpAddress::parse(server.host);
    if (!ip || ip->family != core::Family::ipv6) return std::unexpected("its host can't be read");
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    server.host = text.substr(0, colon);
    port = text.substr(colon);
    if (!is_host(server.host)) return std::unexpected("its host can't be read");
  }
  if (port.empty()) return server;
  const auto number = number_of<std::uint16_t>(port.substr(1), 65'535);
  if (port.front() != ':' || !number || *number == 0)
    return std::unexpected("its port is no number from 1 to 65535");
  server.port = *number;
  return server;
}

} // namespace redis
