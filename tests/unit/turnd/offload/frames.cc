#include "tests/unit/turnd/offload/frames.h"

#include <algorithm>

namespace offload_test {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint16_t kVlan = 0x8100;
constexpr std::uint8_t kUdp = 17;

void put16(Buffer& buffer, std::size_t value) {
  buffer.push_back(static_cast<std::uint8_t>(value >> 8));
  buffer.push_back(static_cast<std::uint8_t>(value));
}
void put(Buffer& buffer, core::Bytes bytes) {
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
}

// RFC 1071, the plain way.
std::uint16_t internet_checksum(core::Bytes bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

std::uint16_t udp_checksum(const core::IpAddress& source, const core::IpAddress& destination,
                           core::Bytes datagram) {
  Buffer pseudo;
  put(pseudo, source.bytes());
  put(pseudo, destination.bytes());
  put16(pseudo, kUdp);
  put16(pseudo, datagram.size());
  put(pseudo, datagram);
  return internet_checksum(pseudo);
}

Buffer udp_of(const Frame& frame, const Oddities& oddities) {
  Buffer udp;
  put16(udp, frame.source.port());
  put16(udp, frame.destination.port());
  put16(udp, static_cast<std::size_t>(static_cast<int>(8 + frame.payload.size()) +
                                      oddities.udp_length_off_by));
  put16(udp, 0);
  put(udp, core::bytes_of(frame.payload));
  std::uint16_t sum = udp_checksum(frame.source.ip(), frame.destination.ip(), udp);
  if (sum == 0) sum = 0xffff;
  if (oddities.wrong_checksum) sum = static_cast<std::uint16_t>(sum == 1 ? 2 : sum - 1);
  if (!oddities.no_checksum) core::store16(udp.data() + 6, sum);
  return udp;
}

Buffer ipv4_of(const Frame& frame, const Oddities& oddities, const Buffer& udp) {
  const std::size_t options = oddities.options ? 4 : 0;
  Buffer ip;
  ip.push_back(static_cast<std::uint8_t>(0x45 + options / 4));
  ip.push_back(frame.traffic_class);
  put16(ip, static_cast<std::size_t>(static_cast<int>(20 + options + udp.size()) +
                                     oddities.ip_length_off_by));
  put16(ip, 0x1234);
  put16(ip, oddities.fragment | (frame.dont_fragment ? 0x4000U : 0U));
  ip.push_back(frame.hop_limit);
  ip.push_back(kUdp);
  put16(ip, 0);
  put(ip, frame.source.ip().bytes());
  put(ip, frame.destination.ip().bytes());
  ip.insert(ip.end(), options, 1); // no operation
  const std::uint16_t sum = internet_checksum(ip);
  core::store16(ip.data() + 10,
                static_cast<std::uint16_t>(sum + (oddities.wrong_header_checksum ? 1 : 0)));
  put(ip, udp);
  return ip;
}

Buffer ipv6_of(const Frame& frame, const Oddities& oddities, const Buffer& udp) {
  const std::size_t options = oddities.options ? 8 : 0;
  Buffer ip;
  put16(ip, 0x6000U | static_cast<unsigned>(frame.traffic_class) << 4);
  put16(ip, 0xbeef); // a flow label
  put16(ip, static_cast<std::size_t>(static_cast<int>(options + udp.size()) +
                                     oddities.ip_length_off_by));
  ip.push_back(oddities.options ? 60 : kUdp);
  ip.push_back(frame.hop_limit);
  put(ip, frame.source.ip().bytes());
  put(ip, frame.destination.ip().bytes());
  if (oddities.options) put(ip, Buffer{kUdp, 0, 1, 4, 0, 0, 0, 0}); // PadN
  put(ip, udp);
  return ip;
}

} // namespace

Buffer bytes_of(const Frame& frame, const Oddities& oddities) {
  const bool ipv4 = frame.source.family() == core::Family::ipv4;
  Buffer bytes;
  put(bytes, frame.to);
  put(bytes, frame.from);
  if (oddities.vlan) {
    put16(bytes, kVlan);
    put16(bytes, *oddities.vlan);
  }
  put16(bytes, ipv4 ? kIpv4 : kIpv6);
  const Buffer udp = udp_of(frame, oddities);
  put(bytes, ipv4 ? ipv4_of(frame, oddities, udp) : ipv6_of(frame, oddities, udp));
  bytes.insert(bytes.end(), oddities.trailer, 0);
  bytes.resize(bytes.size() - oddities.cut);
  return bytes;
}

std::optional<Frame> frame_of(core::Bytes bytes) {
  if (bytes.size() < kEthernet) return std::nullopt;
  Frame frame;
  std::ranges::copy(bytes.first(6), frame.to.begin());
  std::ranges::copy(bytes.subspan(6, 6), frame.from.begin());
  const std::uint16_t type = core::load16(bytes.data() + 12);
  core::Bytes ip = bytes.subspan(kEthernet);
  core::IpAddress source;
  core::IpAddress destination;
  core::Bytes udp;
  if (type == kIpv4) {
    if (ip.size() < 20 || ip[0] != 0x45 || ip[9] != kUdp) return std::nullopt;
    if (internet_checksum(ip.first(20)) != 0) return std::nullopt;
    if (core::load16(ip.data() + 2) != ip.size()) return std::nullopt;
    if ((core::load16(ip.data() + 6) & 0xbfffU) != 0) return std::nullopt;
    frame.traffic_class = ip[1];
    frame.dont_fragment = (ip[6] & 0x40) != 0;
    frame.hop_limit = ip[8];
    source = core::IpAddress::from_v4(ip.subspan(12, 4));
    destination = core::IpAddress::from_v4(ip.subspan(16, 4));
    udp = ip.subspan(20);
  } else if (type == kIpv6) {
    if (ip.size() < 40 || ip[0] >> 4 != 6 || ip[6] != kUdp) return std::nullopt;
    if (core::load16(ip.data() + 4) != ip.size() - 40) return std::nullopt;
    frame.traffic_class = static_cast<std::uint8_t>(core::load16(ip.data()) >> 4);
    frame.hop_limit = ip[7];
    source = core::IpAddress::from_v6(ip.subspan(8, 16));
    destination = core::IpAddress::from_v6(ip.subspan(24, 16));
    udp = ip.subspan(40);
  } else {
    return std::nullopt;
  }
  if (udp.size() < 8 || core::load16(udp.data() + 4) != udp.size()) return std::nullopt;
  frame.checksum = core::load16(udp.data() + 6);
  if (frame.checksum != 0 && udp_checksum(source, destination, udp) != 0) return std::nullopt;
  if (frame.checksum == 0 && type == kIpv6) return std::nullopt;
  frame.source = {source, core::load16(udp.data())};
  frame.destination = {destination, core::load16(udp.data() + 2)};
  frame.payload = core::text_of(udp.subspan(8));
  return frame;
}

Buffer without_trailer(const Buffer& bytes) {
  Buffer shorter = bytes;
  if (bytes.size() < kEthernet + 6) return shorter;
  const std::uint8_t* ip = bytes.data() + kEthernet;
  const bool ipv4 = core::load16(bytes.data() + 12) == kIpv4;
  const std::size_t length = ipv4 ? core::load16(ip + 2) : 40U + core::load16(ip + 4);
  shorter.resize(std::min(bytes.size(), kEthernet + length));
  return shorter;
}

std::uint16_t identification_of(core::Bytes bytes) {
  if (bytes.size() < kEthernet + 20 || bytes[kEthernet] >> 4 != 4) return 0;
  return core::load16(bytes.data() + kEthernet + 4);
}

std::string channel_data(std::uint16_t channel, const std::string& payload,
                         const std::string& padding) {
  Buffer header;
  put16(header, channel);
  put16(header, payload.size());
  return std::string(header.begin(), header.end()) + payload + padding;
}

} // namespace offload_test
