// The level of the log as a whole, and those of subjects that have one of their own. Asked by every
// thread before every line, so it is read without a lock; changed rarely, by one thread at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libcore/log/level.h"

namespace logging {

// FNV-1a, also at compile time.
constexpr std::uint64_t name_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

class LevelTable {
 public:
  static constexpr std::size_t kSubjects = 32; // with a level of their own, at most

  explicit LevelTable(Level level) : level_(level) {}

  bool enabled(Level level, std::uint64_t subject_hash) const {
    const std::size_t count = count_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t slot = slots_[i].load(std::memory_order_relaxed);
      if ((slot & ~kLevelBits) == (subject_hash & ~kLevelBits)) {
        return level >= static_cast<Level>(slot & kLevelBits);
      }
    }
    return level >= level_.load(std::memory_order_relaxed);
  }

  Level level() const { return level_.load(std::memory_order_relaxed); }
  void set(Level level) { level_.store(level, std::memory_order_relaxed); }
  // Those past kSubjects are left out.
  void set_subjects(const SubjectLevels& subjects) {
    std::size_t count = 0;
    for (const auto& [subject, level] : subjects) {
      if (count == kSubjects) break;
      slots_[count++].store((name_hash(subject) & ~kLevelBits) | static_cast<std::uint64_t>(level),
                            std::memory_order_relaxed);
    }
    count_.store(count, std::memory_order_release);
  }

 private:
  static constexpr std::uint64_t kLevelBits = 0xff; // the lowest byte of a slot; the rest: the hash

  std::atomic<Level> level_;
  std::atomic<std::size_t> count_ = 0;
  std::array<std::atomic<std::uint64_t>, kSubjects> slots_{};
};

} // namespace logging
