#include "libcore/stun/framing.h"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "libcore/stun/channel_data.h"
#include "tests/unit/libcore/stun/hex.h"

namespace {

const auto kBinding = hex("0001 0004 2112a442 0102030405060708090a0b0c 80220000");

TEST_CASE("rule 26: a stream is cut by the top two bits, whatever the pieces it comes in") {
  auto stream = kBinding;
  const auto channel = hex("4001 0005 6162636465 000000"); // padded to 8
  stream.insert(stream.end(), channel.begin(), channel.end());
  for (std::size_t arrived = 0; arrived < kBinding.size(); ++arrived) {
    const auto frame = stun::first_frame(core::Bytes(stream).first(arrived));
    REQUIRE(frame.has_value());
    CHECK_FALSE(frame->has_value());
  }
  const auto first = stun::first_frame(stream).value().value();
  CHECK(first.size == kBinding.size());
  CHECK(first.stride == kBinding.size());
  const auto rest = core::Bytes(stream).subspan(first.stride);
  for (std::size_t arrived = 0; arrived < rest.size(); ++arrived) {
    CHECK_FALSE(stun::first_frame(rest.first(arrived)).value().has_value());
  }
  const auto second = stun::first_frame(rest).value().value();
  CHECK(second.size == 9);
  CHECK(second.stride == 12);
}

TEST_CASE("rule 25: ChannelData on a stream is padded to four, which its length excludes") {
  const auto empty = stun::first_frame(hex("4000 0000")).value().value();
  CHECK(empty.size == 4);
  CHECK(empty.stride == 4);
  CHECK_FALSE(stun::first_frame(hex("4000 0001 61 0000")).value().has_value());
  CHECK(stun::first_frame(hex("4000 0001 61 000000")).value()->stride == 8);
}

TEST_CASE("a stream that is neither STUN nor ChannelData is given up at its first bytes") {
  CHECK(stun::first_frame(hex("80")).error() == stun::FramingError::neither);
  CHECK(stun::first_frame(hex("c0")).error() == stun::FramingError::neither);
  CHECK(stun::first_frame(hex("16030100 c8010000")).error() == stun::FramingError::neither); // TLS
  CHECK(stun::first_frame(hex("00010002")).error() == stun::FramingError::neither);
  CHECK(stun::first_frame(hex("00010004 2112a441")).error() == stun::FramingError::neither);
}

TEST_CASE("rule 26: half frames are limited as soon as their length is known") {
  CHECK(stun::first_frame(hex("4000 0010"), 20).value() == std::nullopt);
  CHECK(stun::first_frame(hex("4000 0011"), 20).error() == stun::FramingError::too_long);
  CHECK(stun::first_frame(hex("0001 0004 2112a442"), 24).value() == std::nullopt);
  CHECK(stun::first_frame(hex("0001 0008 2112a442"), 24).error() == stun::FramingError::too_long);
  CHECK(stun::first_frame(hex("0001 fffc 2112a442")).value() == std::nullopt);
}

std::vector<std::vector<std::uint8_t>> split(core::Bytes stream, std::size_t piece) {
  stun::FrameSplitter splitter;
  std::vector<std::vector<std::uint8_t>> frames;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    const auto fed = splitter.feed(stream.subspan(at, std::min(piece, stream.size() - at)),
                                   stun::kLongestFrame, [&](core::Bytes frame) {
                                     frames.emplace_back(frame.begin(), frame.end());
                                     return stun::FrameSplitter::Next::go_on;
                                   });
    REQUIRE(fed.has_value());
  }
  CHECK(splitter.kept() == 0);
  return frames;
}

TEST_CASE("rule 26: frames come out whole, whatever the pieces they come in") {
  const std::vector<std::vector<std::uint8_t>> frames{hex("4000 0000"),
                                                      hex("4001 0001 61"),
                                                      kBinding,
                                                      hex("4002 0000"),
                                                      hex("4003 0008 6162636465666768"),
                                                      hex("4000 0000"),
                                                      kBinding};
  std::vector<std::uint8_t> stream;
  for (const auto& frame : frames) {
    stream.insert(stream.end(), frame.begin(), frame.end());
    stream.resize((stream.size() + 3) / 4 * 4);
  }
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    CHECK(split(stream, piece) == frames);
  }
}

TEST_CASE(
    "rule 26: a splitter stops at what it can't understand, and holds no more than is allowed") {
  const auto ignore = [](core::Bytes) { return stun::FrameSplitter::Next::go_on; };
  stun::FrameSplitter splitter;
  CHECK(splitter.feed(hex("4000 0010 00"), 20, ignore).has_value());
  CHECK(splitter.kept() == 5);
  CHECK(splitter.feed(hex("000000000000000000000000000000c0"), 20, ignore).error() ==
        stun::FramingError::neither);
  stun::FrameSplitter other;
  CHECK(other.feed(hex("4000 00"), 20, ignore).has_value());
  CHECK(other.feed(hex("11"), 20, ignore).error() == stun::FramingError::too_long);
}

TEST_CASE("a splitter stops when it is told to") {
  stun::FrameSplitter splitter;
  int frames = 0;
  CHECK(splitter
            .feed(hex("4000 0000 4000 0000"), 20,
                  [&](core::Bytes) {
                    ++frames;
                    return stun::FrameSplitter::Next::stop;
                  })
            .has_value());
  CHECK(frames == 1);
}

TEST_CASE("rule 25: ChannelData over UDP is taken with and without padding (RFC 8656 12.5)") {
  const auto bare = hex("4001 0002 6162");
  CHECK(core::text_of(stun::parse_channel_data(bare)->payload) == "ab");
  const auto padded = hex("4fff 0002 6162 0000");
  CHECK(core::text_of(stun::parse_channel_data(padded)->payload) == "ab");
  CHECK(stun::parse_channel_data(padded)->number == 0x4fff);
}

TEST_CASE("rule 27: ChannelData may be empty; a length past the datagram is no ChannelData") {
  CHECK(stun::parse_channel_data(hex("4001 0000"))->payload.empty());
  CHECK_FALSE(stun::parse_channel_data(hex("4001 0001")));
  CHECK_FALSE(stun::parse_channel_data(hex("4001 ffff 61")));
  CHECK_FALSE(stun::parse_channel_data(hex("4001 00")));
  CHECK_FALSE(stun::parse_channel_data({}));
}

TEST_CASE("what comes behind the frame at which reading stopped is there for another protocol") {
  const std::vector<std::uint8_t> bytes{0x40, 0, 0, 1, 'x', 0, 0, 0, 'r', 'e', 's', 't'};
  for (std::size_t cut = 0; cut <= 8; ++cut) {
    stun::FrameSplitter splitter;
    const auto stop = [](core::Bytes) { return stun::FrameSplitter::Next::stop; };
    const core::Bytes all(bytes);
    const bool whole_at_once = cut == 8;
    REQUIRE(splitter.feed(all.first(cut), stun::kLongestFrame, stop));
    if (whole_at_once) {
      CHECK(splitter.rest().empty());
      continue;
    }
    REQUIRE(splitter.feed(all.subspan(cut), stun::kLongestFrame, stop));
    CHECK(core::text_of(splitter.rest()) == "rest");
  }
}

} // namespace
