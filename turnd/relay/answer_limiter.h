// Limits the answers that go to addresses nobody has proven to be the sender's: a token bucket a
// source (IPv4 address, IPv6 /64), in a table of fixed size, so that a flood from any number of
// sources costs no memory. A source without an entry takes over the place that was used the least:
// hot sources, the ones being flooded, keep theirs.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/time.h"

namespace turnd {

class AnswerLimiter {
 public:
  static constexpr std::size_t kSets = 2048;
  static constexpr std::size_t kWays = 4;

  struct Rate {
    std::uint32_t per_second = 100;
    std::uint32_t burst = 1000; // 0: no limit at all
  };

  // `seed` keeps others from choosing sources that share a place with their victim.
  AnswerLimiter(Rate rate, std::uint64_t seed);

  void set_rate(Rate rate) { rate_ = rate; }

  // Takes a token; false: the answer must not be sent.
  bool admit(const core::IpAddress& source, core::TimePoint now);
  // The source has authenticated, so its earlier answers went to the right place: their tokens come
  // back. An office behind one NAT address is not held up by its own number.
  void give_back(const core::IpAddress& source, std::uint32_t tokens, core::TimePoint now);

 private:
  struct Bucket {
    std::uint32_t source = 0; // a hash, never 0 when in use
    std::uint32_t level = 0;  // tokens, in 1/kScale
    core::TimePoint filled{};
  };
  static constexpr std::uint32_t kScale = 1000;

  Bucket& bucket_of(const core::IpAddress& source, core::TimePoint now);
  std::uint32_t level_at(const Bucket& bucket, core::TimePoint now) const;

  Rate rate_;
  std::uint64_t seed_;
  std::vector<std::array<Bucket, kWays>> sets_;
};

} // namespace turnd
