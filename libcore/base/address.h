// IP addresses and transport addresses. SocketAddress is kept in the kernel's form, so that a
// relayed packet's address is neither converted nor copied on its way to a system call.
#pragma once

#include <netinet/in.h>

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/bytes.h"

namespace core {

enum class Family : std::uint8_t { ipv4, ipv6 };

// An IPv4 or IPv6 address, in network byte order. IPv4 uses the first four bytes, the rest is
// zero, so that two addresses are equal when their members are.
struct IpAddress {
  Family family = Family::ipv4;
  std::array<std::uint8_t, 16> octets{};

  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  static IpAddress from_v4(Bytes four);                         // exactly 4 bytes
  static IpAddress from_v6(Bytes sixteen);                      // exactly 16 bytes
  static std::optional<IpAddress> parse(std::string_view text); // no brackets, no scope, no port

  Bytes bytes() const { return Bytes(octets).first(family == Family::ipv4 ? 4 : 16); }
  bool is_unspecified() const;
  std::string to_string() const;

  // The IPv4 address inside an IPv4-mapped, -compatible or -translated, 6to4 or NAT64 (64:ff9b::/96)
  // IPv6 address, else the address itself: access lists look at this form.
  IpAddress canonical() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// An address and a port, as bind(2), sendmsg(2) and recvmsg(2) take them.
class SocketAddress {
 public:
  SocketAddress(); // 0.0.0.0:0
  SocketAddress(const IpAddress& ip, std::uint16_t port);

  // "198.51.100.130:3478", "[2001:db8::1]:443". No names.
  static std::optional<SocketAddress> parse(std::string_view text);
  // A copy of what the kernel gave; nullopt for another family or a short length.
  static std::optional<SocketAddress> from_kernel(const sockaddr* address, socklen_t size);

  Family family() const { return storage_.v4.sin_family == AF_INET6 ? Family::ipv6 : Family::ipv4; }
  IpAddress ip() const;
  std::uint16_t port() const { return ntohs(storage_.v4.sin_port); }
  SocketAddress with_port(std::uint16_t port) const;

  const sockaddr* kernel() const { return &storage_.any; }
  sockaddr* kernel_for_receive() { return &storage_.any; } // room for kCapacity bytes
  socklen_t kernel_size() const {
    return family() == Family::ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  }
  static constexpr socklen_t kCapacity = sizeof(sockaddr_in6);

  std::string to_string() const;
  std::size_t hash() const; // over family, address and port

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
    if (a.storage_.v4.sin_family != b.storage_.v4.sin_family ||
        a.storage_.v4.sin_port != b.storage_.v4.sin_port) {
      return false;
    }
    if (a.family() == Family::ipv4) {
      return a.storage_.v4.sin_addr.s_addr == b.storage_.v4.sin_addr.s_addr;
    }
    return std::memcmp(&a.storage_.v6.sin6_addr, &b.storage_.v6.sin6_addr, 16) == 0;
  }

 private:
  union {
    sockaddr_in6 v6; // the largest, so that all is zero at first
    sockaddr_in v4;  // sin_family and sin_port lie where sin6_family and sin6_port do
    sockaddr any;
  } storage_{};
};

} // namespace core

template <>
struct std::hash<core::SocketAddress> {
  std::size_t operator()(const core::SocketAddress& a) const noexcept { return a.hash(); }
};
template <>
struct std::hash<core::IpAddress> {
  std::size_t operator()(const core::IpAddress& a) const noexcept {
    return core::SocketAddress(a, 0).hash();
  }
};
