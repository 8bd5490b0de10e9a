// CRC-32c (Castagnoli; RFC 3720 appendix B.4), as in the PP2_TYPE_CRC32C TLV.
#pragma once

#include <cstdint>

#include "libcore/base/bytes.h"

namespace proxy_protocol {

// Of one span after the other: start with `seed` 0, go on with the result.
std::uint32_t crc32c(core::Bytes bytes, std::uint32_t seed = 0);

} // namespace proxy_protocol
