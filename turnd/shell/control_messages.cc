#include "turnd/shell/control_messages.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <cerrno>
#include <cstring>

#include "turnd/shell/socket_options.h"

namespace turnd {
namespace {

template <typename T>
T value_of(const cmsghdr& message) {
  T value{};
  std::memcpy(&value, CMSG_DATA(&message), sizeof value);
  return value;
}

std::uint8_t octet_of(const cmsghdr& message) {
  return static_cast<std::uint8_t>(value_of<int>(message));
}

void read_ipv4(const cmsghdr& message, ReceivedControl& control) {
  switch (message.cmsg_type) {
    case IP_PKTINFO: {
      const auto info = value_of<in_pktinfo>(message);
      control.destination = core::IpAddress::from_v4(
          {reinterpret_cast<const std::uint8_t*>(&info.ipi_addr), sizeof info.ipi_addr});
      break;
    }
    case IP_TOS:
      control.ip.traffic_class = value_of<std::uint8_t>(message);
      break;
    case IP_TTL:
      control.ip.hop_limit = octet_of(message);
      break;
    default:
      break;
  }
}

void read_ipv6(const cmsghdr& message, ReceivedControl& control) {
  switch (message.cmsg_type) {
    case IPV6_PKTINFO: {
      const auto info = value_of<in6_pktinfo>(message);
      control.destination =
          core::IpAddress::from_v6({info.ipi6_addr.s6_addr, sizeof info.ipi6_addr});
      break;
    }
    case IPV6_TCLASS:
      control.ip.traffic_class = octet_of(message);
      break;
    case IPV6_HOPLIMIT:
      control.ip.hop_limit = octet_of(message);
      break;
    default:
      break;
  }
}

// Our own link is the first that a datagram may be too long for: told as any other router would.
IcmpError too_long_for_our_link(core::Family family, std::uint32_t mtu) {
  constexpr std::uint8_t kUnreachable = 3;
  constexpr std::uint8_t kFragmentationNeeded = 4;
  constexpr std::uint8_t kPacketTooBigV6 = 2;
  if (family == core::Family::ipv6) return {.family = family, .type = kPacketTooBigV6, .mtu = mtu};
  return {.family = family, .type = kUnreachable, .code = kFragmentationNeeded, .mtu = mtu};
}

class Writer {
 public:
  explicit Writer(ControlBuffer& buffer, std::size_t used = 0) : buffer_(buffer), used_(used) {}

  template <typename T>
  void add(int level, int type, const T& value) {
    auto* message = reinterpret_cast<cmsghdr*>(buffer_.bytes.data() + used_);
    message->cmsg_level = level;
    message->cmsg_type = type;
    message->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(message), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }
  std::size_t used() const { return used_; }

 private:
  static_assert(ControlBuffer::kBytes >=
                CMSG_SPACE(sizeof(in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int)));
  ControlBuffer& buffer_;
  std::size_t used_;
};

} // namespace

ReceivedControl read_control(const msghdr& header) {
  ReceivedControl control;
  for (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(c))) { // NOLINT
    if (c->cmsg_level == IPPROTO_IP) read_ipv4(*c, control);
    if (c->cmsg_level == IPPROTO_IPV6) read_ipv6(*c, control);
    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
      control.segment = static_cast<std::size_t>(value_of<int>(*c));
    }
  }
  return control;
}

std::optional<IcmpError> read_error(const msghdr& header) {
  for (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(c))) { // NOLINT
    const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
    const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    const core::Family family = v4 ? core::Family::ipv4 : core::Family::ipv6;
    const auto error = value_of<sock_extended_err>(*c);
    if (error.ee_origin == SO_EE_ORIGIN_LOCAL && error.ee_errno == EMSGSIZE) {
      return too_long_for_our_link(family, error.ee_info);
    }
    if (error.ee_origin != (v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6)) return std::nullopt;
    return IcmpError{
        .family = family, .type = error.ee_type, .code = error.ee_code, .mtu = error.ee_info};
  }
  return std::nullopt;
}

void write_control(msghdr& header, ControlBuffer& buffer, core::Family family, const IpFields& ip,
                   const IpFields& standing, const std::optional<core::IpAddress>& from) {
  const bool v4 = family == core::Family::ipv4;
  Writer writer(buffer);
  if (from && v4) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from->octets.data(), 4);
    writer.add(IPPROTO_IP, IP_PKTINFO, info);
  } else if (from) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from->octets.data(), 16);
    writer.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  if (ip.traffic_class != standing.traffic_class) {
    const int value = ip.traffic_class;
    v4 ? writer.add(IPPROTO_IP, IP_TOS, value) : writer.add(IPPROTO_IPV6, IPV6_TCLASS, value);
  }
  if (ip.hop_limit != standing.hop_limit) {
    const int value = ip.hop_limit ? *ip.hop_limit : default_hop_limit(family);
    v4 ? writer.add(IPPROTO_IP, IP_TTL, value) : writer.add(IPPROTO_IPV6, IPV6_HOPLIMIT, value);
  }
  header.msg_control = writer.used() == 0 ? nullptr : buffer.bytes.data();
  header.msg_controllen = writer.used();
}

void add_segment_size(msghdr& header, ControlBuffer& buffer, std::size_t size) {
  Writer writer(buffer, header.msg_controllen);
  writer.add(IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(size));
  header.msg_control = buffer.bytes.data();
  header.msg_controllen = writer.used();
}

void remove_segment_size(msghdr& header) {
  header.msg_controllen -= CMSG_SPACE(sizeof(std::uint16_t));
  if (header.msg_controllen == 0) header.msg_control = nullptr;
}

} // namespace turnd
