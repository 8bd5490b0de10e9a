#include "turnd/shell/socket_options.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>

namespace turnd {
namespace {

constexpr int kUnsentBytes = 64 << 10;

bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
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
