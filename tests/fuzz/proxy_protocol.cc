// Any bytes as the start of a connection. What is read as a header reads the same when more follows,
// waits when any of it is missing, and comes back from what a proxy would send for it.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "libcore/proxy_protocol/header.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void must_encode(const proxy_protocol::Endpoints& endpoints) {
  for (const auto& encoded : {encode_v1(endpoints), encode_v2(endpoints)}) {
    const auto again = proxy_protocol::parse(encoded.bytes());
    must(again.has_value());
    const std::optional<proxy_protocol::Header>& header = *again;
    if (!header) std::abort();
    must(header->size == encoded.bytes().size());
    must(header->endpoints == endpoints);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::Bytes start(data, size);
  const auto parsed = proxy_protocol::parse(start);
  if (!parsed) return 0;
  const std::optional<proxy_protocol::Header>& read = *parsed;
  if (!read) return 0;
  const proxy_protocol::Header& header = *read;
  must(header.size <= size && header.size <= proxy_protocol::kLongestHeader);

  const auto exact = proxy_protocol::parse(start.first(header.size));
  must(exact.has_value());
  const std::optional<proxy_protocol::Header>& same = *exact;
  must(same && same->endpoints == header.endpoints);
  const auto less = proxy_protocol::parse(start.first(header.size - 1));
  must(less.has_value() && !less->has_value());
  if (header.endpoints) must_encode(*header.endpoints);
  return 0;
}
