#include "turnd/relay/answer_limiter.h"

#include <algorithm>

namespace turnd {
namespace {

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93U;
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93U;
  return value ^ (value >> 32);
}

// What makes a source: an IPv4 address, or the first half of an IPv6 address.
std::uint64_t source_bits(const core::IpAddress& ip) {
  const std::uint64_t high = core::load32(ip.octets.data());
  if (ip.family == core::Family::ipv4) return high;
  return (high << 32 | core::load32(ip.octets.data() + 4)) + 1;
}

std::chrono::milliseconds whole_milliseconds(core::Duration elapsed) {
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(elapsed),
                  std::chrono::milliseconds(0));
}

} // namespace

AnswerLimiter::AnswerLimiter(Rate rate, std::uint64_t seed)
    : rate_(rate), seed_(seed), sets_(kSets) {}

bool AnswerLimiter::admit(const core::IpAddress& source, core::TimePoint now) {
  if (rate_.burst == 0) return true;
  Bucket& bucket = bucket_of(source, now);
  if (bucket.level < kScale) return false;
  bucket.level -= kScale;
  return true;
}

void AnswerLimiter::give_back(const core::IpAddress& source, std::uint32_t tokens,
                              core::TimePoint now) {
  Bucket& bucket = bucket_of(source, now);
  bucket.level = std::min(bucket.level + tokens * kScale, rate_.burst * kScale);
}

AnswerLimiter::Bucket& AnswerLimiter::bucket_of(const core::IpAddress& source,
                                                core::TimePoint now) {
  const std::uint64_t hash = mix(source_bits(source) ^ seed_);
  auto& set = sets_[hash % kSets];
  const auto tag = static_cast<std::uint32_t>(hash >> 32) | 1U;
  Bucket* place = set.data();
  for (Bucket& bucket : set) {
    if (bucket.source == tag) {
      bucket.level = level_at(bucket, now);
      bucket.filled += whole_milliseconds(now - bucket.filled); // the rest counts next time
      return bucket;
    }
    if (level_at(bucket, now) > level_at(*place, now)) place = &bucket;
  }
  *place = {.source = tag, .level = rate_.burst * kScale, .filled = now};
  return *place;
}

std::uint32_t AnswerLimiter::level_at(const Bucket& bucket, core::TimePoint now) const {
  const std::uint64_t full = std::uint64_t{rate_.burst} * kScale;
  if (bucket.source == 0) return static_cast<std::uint32_t>(full);
  const auto elapsed = static_cast<std::uint64_t>(whole_milliseconds(now - bucket.filled).count());
  const std::uint64_t gained = elapsed * rate_.per_second * kScale / 1000;
  return static_cast<std::uint32_t>(std::min(full, bucket.level + gained));
}

} // namespace turnd
