// A deadline wheel next to a list that does the same slowly, and both are compared at every step.
// For unit tests and for the fuzz target.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libcore/base/deadline_wheel.h"

class WheelModel {
 public:
  using Wheel = core::DeadlineWheel;

  WheelModel(core::TimePoint start, std::size_t count) : start_(start), wheel_(start) {
    for (std::size_t i = 0; i < count; ++i) entries_.push_back({.deadline = fresh(i)});
  }

  void set(std::size_t i, core::TimePoint when) {
    Entry& entry = entries_[i];
    wheel_.set(*entry.deadline, when);
    entry.set = true;
    entry.when = when;
    // What is past by now fires at the next tick.
    entry.tick = std::max(first_tick_at(when), current_ + 1);
    expect(entry.deadline->is_set(), "a deadline that was set is not");
    expect(entry.deadline->when() == when, "when() is not what was set");
    check();
  }
  void cancel(std::size_t i) {
    wheel_.cancel(*entries_[i].deadline);
    entries_[i].set = false;
    expect(!entries_[i].deadline->is_set(), "a deadline that was cancelled is set");
    check();
  }
  // Destroys it, set or not; another takes its place.
  void replace(std::size_t i) {
    entries_[i].deadline.reset();
    entries_[i].deadline = fresh(i);
    entries_[i].set = false;
    check();
  }

  // `fired` is called for each deadline as it fires, and may call all of the above.
  void advance(core::TimePoint now, const std::function<void(std::size_t)>& fired = {}) {
    now_ = std::max(now_, now);
    if (now >= start_) {
      current_ = std::max(current_, static_cast<std::uint64_t>((now - start_) / Wheel::kTick));
    }
    std::uint64_t last = 0;
    firing_ = true;
    wheel_.advance(now, [&](core::Deadline& deadline) {
      const auto i = static_cast<std::size_t>(deadline.kind());
      Entry& entry = entries_[i];
      expect(&deadline == entry.deadline.get(), "not the deadline that was set");
      expect(deadline.owner<WheelModel>() == this, "owner() is another");
      expect(entry.set, "fired without being set");
      expect(!deadline.is_set(), "still set while it fires");
      expect(entry.when <= now, "fired early");
      expect(entry.tick <= current_, "fired before its tick");
      expect(entry.tick >= last, "fired out of order");
      last = entry.tick;
      entry.set = false;
      if (fired) fired(i);
    });
    firing_ = false;
    for (const Entry& entry : entries_) {
      expect(!entry.set || entry.tick > current_, "not fired in its tick");
    }
    check();
  }

  core::TimePoint now() const { return now_; }
  const Wheel& wheel() const { return wheel_; }
  std::size_t count() const { return entries_.size(); }
  bool is_set(std::size_t i) const { return entries_[i].set; }
  // What was first seen to be wrong; empty when nothing was.
  const std::string& problem() const { return problem_; }

 private:
  struct Entry {
    std::unique_ptr<core::Deadline> deadline;
    bool set = false;
    core::TimePoint when{};
    std::uint64_t tick = 0;
  };

  std::unique_ptr<core::Deadline> fresh(std::size_t i) {
    return std::make_unique<core::Deadline>(this, static_cast<int>(i));
  }
  std::uint64_t first_tick_at(core::TimePoint when) const {
    if (when <= start_) return 0;
    const auto since = when - start_;
    return static_cast<std::uint64_t>(since / Wheel::kTick) +
           (since % Wheel::kTick == core::Duration(0) ? 0 : 1);
  }
  void check() {
    const auto set = static_cast<std::size_t>(std::ranges::count_if(entries_, &Entry::set));
    expect(wheel_.size() == set, "size() is wrong");
    if (firing_) return; // next() is for between the calls of advance()
    const auto next = wheel_.next();
    expect(next.has_value() == (set > 0), "next() has something though nothing is set, or not");
    if (!next) return;
    expect(*next > start_ + Wheel::kTick * static_cast<std::int64_t>(current_),
           "next() is in the past: a loop would spin");
    for (const Entry& entry : entries_) {
      if (!entry.set) continue;
      const auto ahead = static_cast<std::int64_t>(entry.tick);
      if (ahead < std::int64_t{1} << 39) { // else the product has no room
        expect(*next <= start_ + Wheel::kTick * ahead, "next() is later than a deadline's tick");
      }
    }
  }
  void expect(bool holds, const char* what) {
    if (!holds && problem_.empty()) problem_ = what;
  }

  core::TimePoint start_;
  Wheel wheel_;
  std::vector<Entry> entries_; // gone before the wheel: those still set leave it
  std::uint64_t current_ = 0;
  core::TimePoint now_ = start_;
  bool firing_ = false;
  std::string problem_;
};
