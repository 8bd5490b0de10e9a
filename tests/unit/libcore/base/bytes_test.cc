#include "libcore/base/bytes.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <vector>

namespace {

constexpr std::array<std::uint8_t, 9> kBytes{0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88, 0x09};

TEST_CASE("numbers are read in network byte order, one after the other") {
  core::ByteReader reader(kBytes);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x8203);
  CHECK(reader.u32() == 0x84058607U);
  CHECK(reader.size() == 2);
  CHECK(core::ByteReader(kBytes).u64() == 0x0182038405860788U);
}

TEST_CASE("a read of more than there is fails and takes nothing") {
  core::ByteReader reader(core::Bytes(kBytes).first(7));
  CHECK_FALSE(reader.u64().has_value());
  CHECK_FALSE(reader.take(8).has_value());
  CHECK_FALSE(reader.take(static_cast<std::size_t>(-1)).has_value());
  CHECK_FALSE(reader.skip(8));
  CHECK(reader.size() == 7);
  CHECK(reader.skip(4));
  CHECK_FALSE(reader.u32().has_value());
  CHECK(reader.u16().has_value());
  CHECK_FALSE(reader.u16().has_value());
  CHECK(reader.u8().has_value());
  CHECK_FALSE(reader.u8().has_value());
  CHECK(reader.empty());
  CHECK(reader.take(0).has_value());
}

TEST_CASE("take() borrows from what was given, and rest() is what is left") {
  core::ByteReader reader(kBytes);
  const auto taken = reader.take(3);
  REQUIRE(taken.has_value());
  CHECK(taken->data() == kBytes.data());
  CHECK(taken->size() == 3);
  CHECK(reader.rest().data() == kBytes.data() + 3);
  CHECK(reader.rest().size() == 6);
}

TEST_CASE("what was written is read again") {
  std::array<std::uint8_t, 32> room{};
  core::ByteWriter writer(room);
  writer.u8(0xfe);
  writer.u16(0xfedc);
  writer.u32(0xfedcba98U);
  writer.u64(0xfedcba9876543210U);
  writer.bytes(core::bytes_of("text"));
  writer.zeros(3);
  REQUIRE(writer.ok());
  CHECK(writer.size() == 1 + 2 + 4 + 8 + 4 + 3);

  core::ByteReader reader(writer.written());
  CHECK(reader.u8() == 0xfe);
  CHECK(reader.u16() == 0xfedc);
  CHECK(reader.u32() == 0xfedcba98U);
  CHECK(reader.u64() == 0xfedcba9876543210U);
  CHECK(core::text_of(*reader.take(4)) == "text");
  CHECK(*reader.u16() == 0);
  CHECK(*reader.u8() == 0);
  CHECK(reader.empty());
}

TEST_CASE("a write that does not fit writes nothing, nor does any after it") {
  std::array<std::uint8_t, 6> room;
  room.fill(0xaa);
  core::ByteWriter writer(core::MutableBytes(room).first(5)); // the sixth must stay
  writer.u32(0x01020304);
  writer.u16(0xffff);
  CHECK_FALSE(writer.ok());
  writer.u8(0xff); // would fit
  writer.bytes(core::bytes_of("x"));
  writer.zeros(1);
  CHECK_FALSE(writer.ok());
  CHECK(writer.size() == 4);
  CHECK(room == std::array<std::uint8_t, 6>{1, 2, 3, 4, 0xaa, 0xaa});
}

TEST_CASE("a writer fills its room to the last byte") {
  std::array<std::uint8_t, 8> room{};
  core::ByteWriter writer(room);
  writer.u64(1);
  CHECK(writer.ok());
  writer.bytes({});
  writer.zeros(0);
  CHECK(writer.ok()); // nothing always fits
  writer.u8(1);
  CHECK_FALSE(writer.ok());

  core::ByteWriter none({});
  CHECK(none.ok());
  none.zeros(static_cast<std::size_t>(-1));
  CHECK_FALSE(none.ok());
}

TEST_CASE("comparison in constant time compares every byte, and the length") {
  const std::vector<std::uint8_t> original(kBytes.begin(), kBytes.end());
  CHECK(core::equal_in_constant_time(kBytes, original));
  CHECK(core::equal_in_constant_time({}, {}));
  for (std::size_t at = 0; at < original.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto changed = original;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << bit));
      CHECK_FALSE(core::equal_in_constant_time(kBytes, changed));
    }
  }
  CHECK_FALSE(core::equal_in_constant_time(kBytes, core::Bytes(kBytes).first(8)));
  CHECK_FALSE(core::equal_in_constant_time({}, kBytes));
}

} // namespace
