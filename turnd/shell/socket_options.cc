#include "turnd/shell/socket_options.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>

#include "libcore/event/fd.h"

namespace turnd {
namespace {

constexpr int kUnsentBytes = 64 << 10;

bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

int get(int fd, int level, int option, int otherwise) {
  int value = otherwise;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, option, &value, &size) == 0 ? value : otherwise;
}

constexpr int kDefault = -1;       // as a hop limit
constexpr int kUsualHopLimit = 64; // where the kernel doesn't say (RFC 1700)

std::uint8_t hop_limit(int fd, core::Family family) {
  const int limit = family == core::Family::ipv4
                        ? get(fd, IPPROTO_IP, IP_TTL, kUsualHopLimit)
                        : get(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, kUsualHopLimit);
  return static_cast<std::uint8_t>(limit);
}

} // namespace

void want_large_buffers(int fd) {
  // Past the administrator's limit where that is allowed (CAP_NET_ADMIN), else up to it.
  if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, kListenerBufferBytes)) {
    set(fd, SOL_SOCKET, SO_RCVBUF, kListenerBufferBytes);
  }
  if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, kListenerBufferBytes)) {
    set(fd, SOL_SOCKET, SO_SNDBUF, kListenerBufferBytes);
  }
}

void want_destination(int fd, core::Family family) {
  if (family == core::Family::ipv4) {
    set(fd, IPPROTO_IP, IP_PKTINFO, 1);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
}

void want_ip_fields(int fd, core::Family family) {
  if (family == core::Family::ipv4) {
    set(fd, IPPROTO_IP, IP_RECVTOS, 1);
    set(fd, IPPROTO_IP, IP_RECVTTL, 1);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  }
}

void set_ip_fields(int fd, core::Family family, const IpFields& fields) {
  const int hop_limit = fields.hop_limit ? *fields.hop_limit : kDefault;
  if (family == core::Family::ipv4) {
    set(fd, IPPROTO_IP, IP_TTL, hop_limit);
    set(fd, IPPROTO_IP, IP_TOS, fields.traffic_class);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hop_limit);
    set(fd, IPPROTO_IPV6, IPV6_TCLASS, fields.traffic_class);
  }
}

IpFields ip_fields(int fd, core::Family family) {
  const bool v4 = family == core::Family::ipv4;
  const int traffic_class =
      v4 ? get(fd, IPPROTO_IP, IP_TOS, 0) : get(fd, IPPROTO_IPV6, IPV6_TCLASS, 0);
  IpFields fields{.traffic_class = static_cast<std::uint8_t>(traffic_class)};
  const std::uint8_t limit = hop_limit(fd, family);
  if (limit != default_hop_limit(family)) fields.hop_limit = limit;
  return fields;
}

std::uint8_t default_hop_limit(core::Family family) {
  const auto of_new_socket = [](core::Family of) {
    const event::Fd fd(::socket(of == core::Family::ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0));
    return hop_limit(fd.get(), of);
  };
  static const std::array defaults{of_new_socket(core::Family::ipv4),
                                   of_new_socket(core::Family::ipv6)};
  return defaults[static_cast<std::size_t>(family)];
}

void want_merged(int fd) { set(fd, IPPROTO_UDP, UDP_GRO, 1); }

void want_errors(int fd, core::Family family) {
  if (family == core::Family::ipv4) {
    set(fd, IPPROTO_IP, IP_RECVERR, 1);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
  }
}

void allow_fragments(int fd, core::Family family) {
  if (family == core::Family::ipv4) {
    set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  }
}

void forbid_fragments(int fd, core::Family family) {
  if (family == core::Family::ipv4) {
    set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
}

void keep_unsent_short(int fd) { set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytes); }

std::uint64_t queue_drops(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> figures{};
  socklen_t size = sizeof figures;
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures.data(), &size) != 0) return 0;
  return figures[SK_MEMINFO_DROPS];
}

} // namespace turnd
