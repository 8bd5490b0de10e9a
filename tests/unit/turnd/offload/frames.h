// Frames for the program in the kernel: built byte by byte, and read back strictly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"

namespace offload_test {

using Buffer = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

// A UDP datagram on Ethernet.
struct Frame {
  Mac to{};
  Mac from{};
  core::SocketAddress source;
  core::SocketAddress destination;
  std::string payload;
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = 64;
  bool dont_fragment = false; // IPv4
  std::uint16_t checksum = 0; // as it stands there

  friend bool operator==(const Frame&, const Frame&) = default;
};

// How a frame may differ from a plain one.
struct Oddities {
  bool no_checksum = false;
  bool wrong_checksum = false;
  bool wrong_header_checksum = false;  // IPv4's
  std::uint16_t fragment = 0;          // IPv4's flags and offset
  bool options = false;                // IPv4 options, or an IPv6 destination options header
  std::optional<std::uint16_t> vlan{}; // a tag
  int udp_length_off_by = 0;
  int ip_length_off_by = 0;
  std::size_t trailer = 0; // bytes behind the packet, as Ethernet has behind short ones
  std::size_t cut = 0;     // bytes that are missing at the end
};

Buffer bytes_of(const Frame& frame, const Oddities& oddities = {});
// nullopt unless every length and checksum is right, and nothing lies behind the datagram.
std::optional<Frame> frame_of(core::Bytes bytes);

// Without what lies behind the packet whose length IP's header says: no socket sees it.
Buffer without_trailer(const Buffer& bytes);

// The part of IPv4's header that may differ: the identification. 0 for IPv6.
std::uint16_t identification_of(core::Bytes bytes);

std::string channel_data(std::uint16_t channel, const std::string& payload,
                         const std::string& padding = "");

} // namespace offload_test
