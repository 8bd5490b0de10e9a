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
      while (slot.head.next_ != &slot.head) slot.head.next_->unlink();
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
  const auto ticks = (when - start_ + kTick - Duration(1)) / kTick;
  return static_cast<std::uint64_t>(ticks);
}

// Level L holds deadlines whose tick differs from the current one first in bits
// [L*kBits, (L+1)*kBits): they move down a level when the clock reaches their slot.
void DeadlineWheel::place(Deadline& deadline) {
  const std::uint64_t due = std::max(tick_after(deadline.when_), tick_ + 1);
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

void DeadlineWheel::collect(TimePoint now, Deadline& due) {
  if (now < start_) return;
  const auto target = static_cast<std::uint64_t>((now - start_) / kTick);
  if (size_ == 0) tick_ = std::max(tick_, target);
  while (tick_ < target) {
    // With nothing left at level 0 before it wraps, jump to the wrap (or the target).
    const auto position = static_cast<unsigned>(tick_ & (kSlots - 1));
    const std::uint64_t ahead = position == kSlots - 1 ? 0 : occupied_[0] >> (position + 1);
    const std::uint64_t step =
        ahead != 0 ? static_cast<std::uint64_t>(std::countr_zero(ahead)) + 1 : kSlots - position;
    if (tick_ + step > target) {
      tick_ = target;
      break;
    }
    tick_ += step;

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
  for (unsigned level = 0; level < kLevels; ++level) {
    const auto position = static_cast<unsigned>((tick_ >> (level * kBits)) & (kSlots - 1));
    const std::uint64_t ahead = position == kSlots - 1 ? 0 : occupied_[level] >> (position + 1);
    if (ahead == 0) continue;
    const std::uint64_t slot = position + 1 + static_cast<std::uint64_t>(std::countr_zero(ahead));
    const std::uint64_t above = tick_ >> ((level + 1) * kBits) << ((level + 1) * kBits);
    const std::uint64_t tick = above + (slot << (level * kBits));
    return start_ + kTick * static_cast<std::int64_t>(tick);
  }
  // Only in slots that the clock has already passed at their level: beyond the highest wrap.
  return start_ + kTick * static_cast<std::int64_t>(tick_ + kSlots);
}

} // namespace core
