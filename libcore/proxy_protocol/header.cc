#include "libcore/proxy_protocol/header.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "libcore/proxy_protocol/checksum.h"

namespace proxy_protocol {
namespace {

using Parsed = std::expected<std::optional<Header>, Error>;

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kLongestV1 = 107; // with its CRLF
constexpr std::array<std::uint8_t, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t kV2FixedBytes = 16;
constexpr std::uint8_t kVersion2 = 0x20;
constexpr std::uint8_t kLocal = 0x0;
constexpr std::uint8_t kProxy = 0x1;
constexpr std::uint8_t kStreamOverIpv4 = 0x11;
constexpr std::uint8_t kStreamOverIpv6 = 0x21;
constexpr std::size_t kUnixAddressBytes = 216;
constexpr std::uint8_t kTlvChecksum = 0x03;
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool begins_alike(core::Bytes start, core::Bytes wanted) {
  const std::size_t size = std::min(start.size(), wanted.size());
  return std::ranges::equal(start.first(size), wanted.first(size));
}

core::IpAddress unmapped(const core::IpAddress& ip) {
  if (ip.family == core::Family::ipv4 || !begins_alike(ip.bytes(), kMappedPrefix)) return ip;
  return core::IpAddress::from_v4(ip.bytes().last(4));
}

Parsed parse_v1(core::Bytes start);
Parsed parse_v2(core::Bytes start);

} // namespace

Parsed parse(core::Bytes start) {
  if (begins_alike(start, kSignature)) return parse_v2(start);
  if (begins_alike(start, core::bytes_of(kV1Start))) return parse_v1(start);
  return std::unexpected(Error::not_a_header);
}

std::string_view describe(Error error) {
  switch (error) {
    case Error::not_a_header:
      return "no PROXY header";
    case Error::malformed:
      return "a malformed PROXY header";
    case Error::too_long:
      return "a PROXY header that is too long";
    case Error::wrong_checksum:
      return "a PROXY header with a wrong checksum";
  }
  return "";
}

namespace {

// ---- version 1 (section 2.1)

// The text up to the next space, which is taken too.
std::string_view next_word(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

// Decimal, without leading zeros.
std::optional<std::uint16_t> port_of(std::string_view word) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
  const bool leading_zero = word.size() > 1 && word.front() == '0';
  if (error != std::errc{} || end != word.data() + word.size() || leading_zero) return std::nullopt;
  return port;
}

std::optional<core::IpAddress> address_of(std::string_view word, core::Family family) {
  const auto ip = core::IpAddress::parse(word);
  if (!ip || ip->family != family) return std::nullopt;
  return unmapped(*ip);
}

Parsed parse_v1(core::Bytes start) {
  const std::string_view text = core::text_of(start.first(std::min(start.size(), kLongestV1)));
  const std::size_t end = text.find("\r\n");
  if (end == std::string_view::npos) {
    if (start.size() >= kLongestV1) return std::unexpected(Error::malformed);
    return std::nullopt;
  }
  Header header{.size = end + 2, .endpoints = std::nullopt};
  std::string_view line = text.substr(0, end);
  if (!line.starts_with(kV1Start)) return std::unexpected(Error::malformed);
  line.remove_prefix(kV1Start.size());

  const std::string_view protocol = next_word(line);
  if (protocol == "UNKNOWN") return header; // whatever follows is ignored
  if (protocol != "TCP4" && protocol != "TCP6") return std::unexpected(Error::malformed);
  const auto family = protocol == "TCP4" ? core::Family::ipv4 : core::Family::ipv6;
  const auto source = address_of(next_word(line), family);
  const auto destination = address_of(next_word(line), family);
  const auto source_port = port_of(next_word(line));
  const auto destination_port = port_of(line); // the last: no space may follow
  if (!source || !destination || !source_port || !destination_port) {
    return std::unexpected(Error::malformed);
  }
  header.endpoints = {.source = {*source, *source_port},
                      .destination = {*destination, *destination_port}};
  return header;
}

// ---- version 2 (section 2.2)

std::optional<Endpoints> read_endpoints(core::ByteReader& reader, std::size_t address_bytes) {
  const auto source = reader.take(address_bytes);
  const auto destination = reader.take(address_bytes);
  const auto source_port = reader.u16();
  const auto destination_port = reader.u16();
  if (!source || !destination || !source_port || !destination_port) return std::nullopt;
  const auto ip = [&](core::Bytes bytes) {
    return address_bytes == 4 ? core::IpAddress::from_v4(bytes)
                              : unmapped(core::IpAddress::from_v6(bytes));
  };
  return Endpoints{.source = {ip(*source), *source_port},
                   .destination = {ip(*destination), *destination_port}};
}

// Over the whole header, with the checksum itself as zeros (section 2.2.3).
bool checksum_is_right(core::Bytes header, core::Bytes value) {
  constexpr std::array<std::uint8_t, 4> kZeros{};
  const auto before = static_cast<std::size_t>(value.data() - header.data());
  std::uint32_t crc = crc32c(header.first(before));
  crc = crc32c(kZeros, crc);
  crc = crc32c(header.subspan(before + kZeros.size()), crc);
  return crc == core::load32(value.data());
}

std::optional<Error> check_tlvs(core::Bytes header, core::ByteReader tlvs) {
  while (!tlvs.empty()) {
    const auto type = tlvs.u8();
    const auto size = tlvs.u16();
    const auto value = size ? tlvs.take(*size) : std::nullopt;
    if (!type || !value) return Error::malformed;
    if (*type != kTlvChecksum) continue;
    if (value->size() != sizeof(std::uint32_t)) return Error::malformed;
    if (!checksum_is_right(header, *value)) return Error::wrong_checksum;
  }
  return std::nullopt;
}

Parsed parse_v2(core::Bytes start) {
  if (start.size() < kV2FixedBytes) return std::nullopt;
  const auto command = static_cast<std::uint8_t>(start[12] & 0x0fU);
  if ((start[12] & 0xf0U) != kVersion2 || command > kProxy) {
    return std::unexpected(Error::malformed);
  }
  const std::size_t size = kV2FixedBytes + core::load16(&start[14]);
  if (size > kLongestHeader) return std::unexpected(Error::too_long);
  if (start.size() < size) return std::nullopt;
  Header header{.size = size, .endpoints = std::nullopt};
  if (command == kLocal) return header;

  const core::Bytes whole = start.first(size);
  core::ByteReader reader(whole.subspan(kV2FixedBytes));
  const auto family = static_cast<std::uint8_t>(start[13] >> 4U);
  const auto protocol = static_cast<std::uint8_t>(start[13] & 0x0fU);
  if (family > 3 || protocol > 2) return std::unexpected(Error::malformed);
  // Half unspecified counts as wholly so.
  if (family == 0 || protocol == 0) return header;
  if (family == 3) {
    if (!reader.skip(kUnixAddressBytes)) return std::unexpected(Error::malformed);
  } else {
    header.endpoints = read_endpoints(reader, family == 1 ? 4 : 16);
    if (!header.endpoints) return std::unexpected(Error::malformed);
  }
  if (const auto wrong = check_tlvs(whole, reader)) return std::unexpected(*wrong);
  return header;
}

// ---- encoding

core::IpAddress mapped(const core::IpAddress& ip) {
  if (ip.family == core::Family::ipv6) return ip;
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(kMappedPrefix, octets.begin());
  std::ranges::copy(ip.bytes(), octets.begin() + kMappedPrefix.size());
  return core::IpAddress::from_v6(octets);
}

struct Pair {
  bool ipv4 = false;
  core::IpAddress source;
  core::IpAddress destination;
};

Pair of_one_family(const Endpoints& endpoints) {
  const core::IpAddress source = endpoints.source.ip();
  const core::IpAddress destination = endpoints.destination.ip();
  if (source.family == destination.family) {
    return {source.family == core::Family::ipv4, source, destination};
  }
  return {false, mapped(source), mapped(destination)};
}

} // namespace

Encoded encode_v1(const std::optional<Endpoints>& endpoints) {
  std::string line = "PROXY UNKNOWN\r\n";
  if (endpoints) {
    const Pair pair = of_one_family(*endpoints);
    line = fmt::format("PROXY {} {} {} {} {}\r\n", pair.ipv4 ? "TCP4" : "TCP6",
                       pair.source.to_string(), pair.destination.to_string(),
                       endpoints->source.port(), endpoints->destination.port());
  }
  Encoded encoded;
  core::ByteWriter writer(encoded.bytes_);
  writer.bytes(core::bytes_of(line)); // the longest address is 39 bytes long, and so it fits
  encoded.size_ = writer.size();
  return encoded;
}

Encoded encode_v2(const std::optional<Endpoints>& endpoints) {
  Encoded encoded;
  core::ByteWriter writer(encoded.bytes_);
  writer.bytes(kSignature);
  if (!endpoints) {
    writer.u8(kVersion2 | kLocal);
    writer.zeros(3);
  } else {
    const Pair pair = of_one_family(*endpoints);
    writer.u8(kVersion2 | kProxy);
    writer.u8(pair.ipv4 ? kStreamOverIpv4 : kStreamOverIpv6);
    writer.u16(pair.ipv4 ? 12 : 36);
    writer.bytes(pair.source.bytes());
    writer.bytes(pair.destination.bytes());
    writer.u16(endpoints->source.port());
    writer.u16(endpoints->destination.port());
  }
  encoded.size_ = writer.size();
  return encoded;
}

} // namespace proxy_protocol
