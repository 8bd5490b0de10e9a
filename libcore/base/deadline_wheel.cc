#include "libcore/base/deadline_wheel.h"

#include <algorithm>
#include <bit>

namespace core {

Deadline::~Deadline() {
  if (is_set()) unlink();
}

void Deadline::unlink() {
  previous_->next_ = next_;
  next_->previous_ = previous_;
  next_ = previous_ = nullptr;
  if (wheel_ != nullptr) --wheel_->size_;
  wheel_ = nullptr;
}

DeadlineWheel::DeadlineWheel(TimePoint start) : start_(start) {
  for (auto& level : slots_) {
    for (auto& slot : level) slot.head.next_ = slot.head.previous_ = &slot.head;
  }
}

DeadlineWheel::~DeadlineWheel() {
  for (auto& level : slots_) {
    for (auto& slot : level) {
      Deadline* next = nullptr;
      for (Deadline* set = slot.head.next_; set != &slot.head; set = next) {
        next = set->next_;
        set->next_ = set->previous_ = nullptr;
        set->wheel_ = nullptr;
      }
      slot.head.next_ = nullptr;
    }
  }
}

void DeadlineWheel::set(Deadline& deadline, TimePoint when) {
  if (deadline.is_set()) deadline.unlink();
  deadline.when_ = when;
  deadline.wheel_ = this;
  ++size_;
  place(deadline);
}

void DeadlineWheel::cancel(Deadline& deadline) {
  if (deadline.is_set()) deadline.unlink();
}

// The first tick at which `when` has passed.
std::uint64_t DeadlineWheel::tick_after(TimePoint when) const {
  if (when <= start_) return 0;
  const Duration since = when - start_;
  return static_cast<std::uint64_t>(since / kTick) + (since % kTick != Duration(0) ? 1 : 0);
}

// Level L holds deadlines whose tick differs from the current one first in bits
// [L*kBits, (L+1)*kBits): they move down a level when the clock reaches their slot.
void DeadlineWheel::place(Deadline& deadline) {
  // One that is further away than the wheel reaches waits at its edge, and is placed again there.
  const std::uint64_t due = std::clamp(tick_after(deadline.when_), tick_ + 1, tick_ + kReach);
  const std::uint64_t differing = due ^ tick_;
  const unsigned highest = 63U - static_cast<unsigned>(std::countl_zero(differing));
  const unsigned level = std::min(highest / kBits, kLevels - 1);
  const auto slot = static_cast<unsigned>((due >> (level * kBits)) & (kSlots - 1));

  Deadline& head = slots_[level][slot].head;
  deadline.previous_ = head.previous_;
  deadline.next_ = &head;
  head.previous_->next_ = &deadline;
  head.previous_ = &deadline;
  occupied_[level] |= std::uint64_t{1} << slot;
}

// The first tick behind the current one whose slot, at whatever level, may hold something.
std::optional<std::uint64_t> DeadlineWheel::next_occupied() const {
  for (unsigned level = 0; level < kLevels; ++level) {
    const std::uint64_t here = tick_ >> (level * kBits);
    const auto position = static_cast<unsigned>(here & (kSlots - 1));
    // Bit n: the slot n + 1 ahead. Only the highest level goes round: below it, what is ahead of the
    // wrap is a level up.
    std::uint64_t ahead = std::rotr(occupied_[level], static_cast<int>(position + 1));
    if (level < kLevels - 1) ahead &= ~(~std::uint64_t{0} << (kSlots - 1 - position));
    if (ahead == 0) continue;
    return (here + 1 + static_cast<std::uint64_t>(std::countr_zero(ahead))) << (level * kBits);
  }
  return std::nullopt;
}

void DeadlineWheel::collect(TimePoint now, Deadline& due) {
  if (now < start_) return;
  const auto target = static_cast<std::uint64_t>((now - start_) / kTick);
  while (tick_ < target) {
    const auto next = next_occupied();
    if (!next || *next > target) {
      tick_ = target;
      return;
    }
    tick_ = *next;

    // Move down what the higher levels hold for this tick.
    for (unsigned level = 1; level < kLevels; ++level) {
      if ((tick_ & ((std::uint64_t{1} << (level * kBits)) - 1)) != 0) break;
      const auto slot = static_cast<unsigned>((tick_ >> (level * kBits)) & (kSlots - 1));
      occupied_[level] &= ~(std::uint64_t{1} << slot);
      Deadline& head = slots_[level][slot].head;
      while (head.next_ != &head) {
        Deadline& moved = *head.next_;
        moved.previous_->next_ = moved.next_;
        moved.next_->previous_ = moved.previous_;
        if (tick_after(moved.when_) <= tick_) {
          moved.previous_ = due.previous_;
          moved.next_ = &due;
          due.previous_->next_ = &moved;
          due.previous_ = &moved;
        } else {
          place(moved);
        }
      }
    }

    const auto slot = static_cast<unsigned>(tick_ & (kSlots - 1));
    occupied_[0] &= ~(std::uint64_t{1} << slot);
    Deadline& head = slots_[0][slot].head;
    if (head.next_ != &head) {
      head.next_->previous_ = due.previous_;
      due.previous_->next_ = head.next_;
      head.previous_->next_ = &due;
      due.previous_ = head.previous_;
      head.next_ = head.previous_ = &head;
    }
  }
}

std::optional<TimePoint> DeadlineWheel::next() const {
  if (size_ == 0) return std::nullopt;
  // Nothing is in a slot only while advance() fires: then any time that is near will do.
  return start_ + kTick * static_cast<std::int64_t>(next_occupied().value_or(tick_ + 1));
}

} // namespace core
