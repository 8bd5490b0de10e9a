// The numbers of STUN and TURN: methods, classes, attributes, error codes (RFC 8489 section 18,
// RFC 8656 section 18, RFC 6062, RFC 8016).
#pragma once

#include <cstddef>
#include <cstdint>

namespace stun {

enum class Method : std::uint16_t {
  binding = 0x001,
  allocate = 0x003,
  refresh = 0x004,
  send = 0x006,
  data = 0x007,
  create_permission = 0x008,
  channel_bind = 0x009,
  connect = 0x00a,            // RFC 6062
  connection_bind = 0x00b,    // RFC 6062
  connection_attempt = 0x00c, // RFC 6062
};

enum class Class : std::uint8_t { request = 0, indication = 1, success = 2, error = 3 };

enum class Attribute : std::uint16_t {
  // Comprehension required: who doesn't know one must refuse a request that carries it.
  mapped_address = 0x0001,
  change_request = 0x0003, // RFC 5780
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000a,
  channel_number = 0x000c,
  lifetime = 0x000d,
  xor_peer_address = 0x0012,
  data = 0x0013,
  realm = 0x0014,
  nonce = 0x0015,
  xor_relayed_address = 0x0016,
  requested_address_family = 0x0017,
  even_port = 0x0018,
  requested_transport = 0x0019,
  dont_fragment = 0x001a,
  access_token = 0x001b, // RFC 7635
  message_integrity_sha256 = 0x001c,
  password_algorithm = 0x001d,
  userhash = 0x001e,
  xor_mapped_address = 0x0020,
  reservation_token = 0x0022,
  padding = 0x0026,       // RFC 5780
  response_port = 0x0027, // RFC 5780
  connection_id = 0x002a,

  // Comprehension optional.
  additional_address_family = 0x8000,
  draft_additional_address_family = 0x8032, // before RFC 8656; coturn used it until 2025
  address_error_code = 0x8001,
  password_algorithms = 0x8002,
  alternate_domain = 0x8003,
  icmp = 0x8004,
  software = 0x8022,
  alternate_server = 0x8023,
  fingerprint = 0x8028,
  response_origin = 0x802b,           // RFC 5780
  other_address = 0x802c,             // RFC 5780
  third_party_authorization = 0x802e, // RFC 7635
  mobility_ticket = 0x8030,
};

constexpr bool comprehension_required(std::uint16_t attribute) { return attribute < 0x8000; }

enum class ErrorCode : std::uint16_t {
  try_alternate = 300,
  bad_request = 400,
  unauthenticated = 401,
  forbidden = 403,
  mobility_forbidden = 405,
  unknown_attribute = 420,
  allocation_mismatch = 437,
  stale_nonce = 438,
  address_family_not_supported = 440,
  wrong_credentials = 441,
  unsupported_transport = 442,
  peer_address_family_mismatch = 443,
  connection_already_exists = 446,
  connection_timeout_or_failure = 447,
  allocation_quota_reached = 486,
  server_error = 500,
  insufficient_capacity = 508,
};

// The values of REQUESTED-ADDRESS-FAMILY, ADDITIONAL-ADDRESS-FAMILY and the XOR addresses.
inline constexpr std::uint8_t kFamilyIpv4 = 0x01;
inline constexpr std::uint8_t kFamilyIpv6 = 0x02;

// The values of REQUESTED-TRANSPORT: IP protocol numbers.
inline constexpr std::uint8_t kTransportTcp = 6;
inline constexpr std::uint8_t kTransportUdp = 17;

inline constexpr std::uint32_t kMagicCookie = 0x2112a442;
inline constexpr std::size_t kHeaderBytes = 20;
inline constexpr std::size_t kTransactionIdBytes = 12;
inline constexpr std::size_t kAttributeHeaderBytes = 4;

// Attributes and ChannelData on streams are padded to a multiple of four.
constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

} // namespace stun
