// Deadlines for many things at once: setting, moving and cancelling one is O(1), so that a
// connection may push its idle deadline at every packet. Resolution is kTick; a deadline never
// fires early and at most one tick late.
//
//   struct Connection { core::Deadline idle{this}; };     // the node lives in its owner
//   wheel.set(connection.idle, now + 65s);                // set or move
//   wheel.cancel(connection.idle);                        // also done by ~Deadline
//   wheel.advance(now, [](core::Deadline& d) { ... });    // d is no longer set when called;
//                                                         // the callback may set, cancel, destroy any
//
// Not thread-safe: one wheel a worker.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libcore/base/time.h"

namespace core {

class DeadlineWheel;

// A deadline that can be set on a wheel. `owner` is opaque to the wheel; `kind` tells an owner's
// several deadlines apart. Must not move while set.
class Deadline {
 public:
  explicit Deadline(void* owner = nullptr, int kind = 0) : owner_(owner), kind_(kind) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

  template <typename Owner>
  Owner* owner() const {
    return static_cast<Owner*>(owner_);
  }
  int kind() const { return kind_; }
  bool is_set() const { return next_ != nullptr; }
  TimePoint when() const { return when_; } // meaningful while set

 private:
  friend class DeadlineWheel;
  void unlink();

  Deadline* next_ = nullptr;
  Deadline* previous_ = nullptr;
  DeadlineWheel* wheel_ = nullptr;
  TimePoint when_{};
  void* owner_;
  int kind_;
};

class DeadlineWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(8);

  explicit DeadlineWheel(TimePoint start);
  ~DeadlineWheel();
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  void set(Deadline& deadline, TimePoint when);
  void cancel(Deadline& deadline);

  // Calls `fire` for every deadline at or before `now`, in order of ticks.
  template <typename Fire>
  void advance(TimePoint now, Fire&& fire) {
    Deadline due; // a list head: what fires now; callbacks may unlink from it
    due.next_ = due.previous_ = &due;
    collect(now, due);
    while (due.next_ != &due) {
      Deadline& first = *due.next_;
      first.unlink();
      fire(first);
    }
    due.next_ = nullptr;
  }

  // When advance() should be called next: never later than the earliest deadline's tick, perhaps
  // earlier. nullopt when nothing is set.
  std::optional<TimePoint> next() const;
  std::size_t size() const { return size_; }

 private:
  friend class Deadline;
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1U << kBits;
  static constexpr unsigned kLevels = 6;
  // Ticks ahead that have a slot of their own at the highest level: 17 years.
  static constexpr std::uint64_t kReach =
      (std::uint64_t{1} << (kLevels * kBits)) - (std::uint64_t{1} << ((kLevels - 1) * kBits));

  void place(Deadline& deadline);
  void collect(TimePoint now, Deadline& due);
  std::uint64_t tick_after(TimePoint when) const;
  std::optional<std::uint64_t> next_occupied() const;

  struct Slot {
    Deadline head;
  };
  std::array<std::array<Slot, kSlots>, kLevels> slots_;
  std::array<std::uint64_t, kLevels> occupied_{}; // a bit a slot; may be set for an emptied slot
  TimePoint start_;
  std::uint64_t tick_ = 0; // every tick up to this one has fired
  std::size_t size_ = 0;
};

} // namespace core
