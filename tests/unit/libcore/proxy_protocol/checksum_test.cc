#include "libcore/proxy_protocol/checksum.h"

#include <array>
#include <catch2/catch_test_macros.hpp>

using proxy_protocol::crc32c;

TEST_CASE("RFC 3720 appendix B.4: the examples of CRC-32c") {
  std::array<std::uint8_t, 32> bytes{};
  CHECK(crc32c(bytes) == 0x8a9136aa);
  bytes.fill(0xff);
  CHECK(crc32c(bytes) == 0x62a8ab43);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  CHECK(crc32c(bytes) == 0x46dd794e);
}

TEST_CASE("a checksum goes on from one span to the next") {
  const auto whole = core::bytes_of("123456789");
  CHECK(crc32c(whole) == 0xe3069283);
  CHECK(crc32c(whole.subspan(4), crc32c(whole.first(4))) == 0xe3069283);
  CHECK(crc32c({}) == 0);
}
