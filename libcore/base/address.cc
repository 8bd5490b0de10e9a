#include "libcore/base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace core {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// A multiplication whose halves are folded; both inputs stay in the result, so that no input can
// make the other one count for nothing.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15U) * (b ^ 0xe7037ed1a0b428dbU);
  return (a ^ static_cast<std::uint64_t>(product)) ^
         (b ^ static_cast<std::uint64_t>(product >> 64));
}

} // namespace

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  IpAddress ip;
  ip.octets[0] = a;
  ip.octets[1] = b;
  ip.octets[2] = c;
  ip.octets[3] = d;
  return ip;
}

IpAddress IpAddress::from_v4(Bytes four) { return v4(four[0], four[1], four[2], four[3]); }

IpAddress IpAddress::from_v6(Bytes sixteen) {
  IpAddress ip;
  ip.family = Family::ipv6;
  std::copy_n(sixteen.begin(), 16, ip.octets.begin());
  return ip;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string terminated(text);
  IpAddress ip;
  if (inet_pton(AF_INET, terminated.c_str(), ip.octets.data()) == 1) return ip;
  if (inet_pton(AF_INET6, terminated.c_str(), ip.octets.data()) == 1) {
    ip.family = Family::ipv6;
    return ip;
  }
  return std::nullopt;
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(octets, [](std::uint8_t o) { return o == 0; });
}

std::string IpAddress::to_string() const {
  if (family == Family::ipv4) { // inet_ntop() goes through printf()
    std::string four;
    for (std::size_t i = 0; i < 4; ++i) {
      std::array<char, 3> decimal{};
      if (i > 0) four += '.';
      four.append(decimal.data(), std::to_chars(decimal.begin(), decimal.end(), octets[i]).ptr);
    }
    return four;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, octets.data(), text.data(), text.size());
  return text.data();
}

IpAddress IpAddress::canonical() const {
  if (family == Family::ipv4) return *this;
  const Bytes all(octets);
  const auto zero = [&](std::size_t from, std::size_t to) {
    return std::all_of(octets.begin() + static_cast<std::ptrdiff_t>(from),
                       octets.begin() + static_cast<std::ptrdiff_t>(to),
                       [](std::uint8_t o) { return o == 0; });
  };
  if (zero(0, 10) && octets[10] == 0xff && octets[11] == 0xff)
    return from_v4(all.subspan(12, 4)); // ::ffff:a.b.c.d
  if (zero(0, 8) && octets[8] == 0xff && octets[9] == 0xff && zero(10, 12))
    return from_v4(all.subspan(12, 4)); // ::ffff:0:a.b.c.d, translated, RFC 2765
  // ::a.b.c.d (RFC 4291, deprecated), but neither :: nor ::1
  if (zero(0, 12) && !zero(12, 15)) return from_v4(all.subspan(12, 4));
  if (octets[0] == 0x20 && octets[1] == 0x02)
    return from_v4(all.subspan(2, 4)); // 2002::/16, RFC 3056
  if (octets[0] == 0x00 && octets[1] == 0x64 && octets[2] == 0xff && octets[3] == 0x9b &&
      zero(4, 12)) {
    return from_v4(all.subspan(12, 4)); // 64:ff9b::/96, RFC 6052
  }
  return *this;
}

SocketAddress::SocketAddress() { storage_.v4.sin_family = AF_INET; }

SocketAddress::SocketAddress(const IpAddress& ip, std::uint16_t port) {
  if (ip.family == Family::ipv4) {
    storage_.v4.sin_family = AF_INET;
    std::memcpy(&storage_.v4.sin_addr, ip.octets.data(), 4);
  } else {
    storage_.v6.sin6_family = AF_INET6;
    std::memcpy(&storage_.v6.sin6_addr, ip.octets.data(), 16);
  }
  storage_.v4.sin_port = htons(port);
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto ip = IpAddress::parse(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!ip || !port || bracketed != (ip->family == Family::ipv6)) return std::nullopt;
  return SocketAddress(*ip, *port);
}

std::optional<SocketAddress> SocketAddress::from_kernel(const sockaddr* address, socklen_t size) {
  SocketAddress result;
  if (size < sizeof(sa_family_t)) return std::nullopt;
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    std::memcpy(&result.storage_.v4, address, sizeof(sockaddr_in));
    return result;
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    std::memcpy(&result.storage_.v6, address, sizeof(sockaddr_in6));
    return result;
  }
  return std::nullopt;
}

IpAddress SocketAddress::ip() const {
  if (family() == Family::ipv4) {
    return IpAddress::from_v4({reinterpret_cast<const std::uint8_t*>(&storage_.v4.sin_addr), 4});
  }
  return IpAddress::from_v6({storage_.v6.sin6_addr.s6_addr, 16});
}

SocketAddress SocketAddress::with_port(std::uint16_t port) const {
  SocketAddress copy = *this;
  copy.storage_.v4.sin_port = htons(port);
  return copy;
}

std::string SocketAddress::to_string() const {
  const auto host = ip().to_string();
  return family() == Family::ipv4 ? fmt::format("{}:{}", host, port())
                                  : fmt::format("[{}]:{}", host, port());
}

std::size_t SocketAddress::hash() const {
  if (family() == Family::ipv4) return mix(storage_.v4.sin_addr.s_addr, storage_.v4.sin_port);
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, storage_.v6.sin6_addr.s6_addr, 8);
  std::memcpy(&low, storage_.v6.sin6_addr.s6_addr + 8, 8);
  return mix(mix(high, low), storage_.v4.sin_port);
}

} // namespace core
