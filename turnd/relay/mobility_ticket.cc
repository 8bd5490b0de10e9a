#include "turnd/relay/mobility_ticket.h"

#include <openssl/base64.h>

#include <algorithm>

#include "libcore/stun/integrity.h"

namespace turnd {
namespace {

constexpr std::size_t kTagBytes = 12;
constexpr std::size_t kRawBytes = 8 + 4 + kTagBytes; // a multiple of three: no padding

} // namespace

TicketMaker::Value TicketMaker::make(const Ticket& ticket) const {
  std::array<std::uint8_t, kRawBytes> raw{};
  core::ByteWriter writer(raw);
  writer.u64(static_cast<std::uint64_t>(ticket.allocation));
  writer.u32(ticket.generation);
  const auto tag = stun::hmac_sha256(key_, writer.written());
  writer.bytes(core::Bytes(tag).first(kTagBytes));

  std::array<std::uint8_t, kTicketBytes + 1> text{}; // and a zero behind it
  EVP_EncodeBlock(text.data(), raw.data(), raw.size());
  Value value{};
  std::ranges::copy(core::Bytes(text).first(kTicketBytes), value.begin());
  return value;
}

std::optional<Ticket> TicketMaker::open(core::Bytes value) const {
  if (value.size() != kTicketBytes) return std::nullopt;
  std::array<std::uint8_t, kTicketBytes> raw{};
  std::size_t size = 0;
  if (EVP_DecodeBase64(raw.data(), &size, raw.size(), value.data(), value.size()) != 1 ||
      size != kRawBytes) {
    return std::nullopt;
  }
  core::ByteReader reader(raw);
  const Ticket ticket{.allocation = static_cast<AllocationNumber>(reader.u64().value_or(0)),
                      .generation = reader.u32().value_or(0)};
  if (!core::equal_in_constant_time(value, make(ticket))) return std::nullopt;
  return ticket;
}

} // namespace turnd
