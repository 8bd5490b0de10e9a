// A loop for tests: runs until something holds, and says so when it never does.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "libcore/event/loop.h"

// Long enough for the slowest machine under a sanitizer: no test waits for it unless it fails.
inline constexpr std::chrono::seconds kPatience{60};

class WatchedLoop : public event::Loop {
 public:
  // `holds` is asked once a wake-up, and the loop never sleeps meanwhile.
  void run_until(std::function<bool()> holds) {
    holds_ = std::move(holds);
    give_up_ = event::read_now().steady + kPatience;
    run_next(ask_);
    run();
    INFO("what the test waits for did not come");
    REQUIRE(held_);
  }

  // Whatever is on its way arrives: for tests that nothing happens.
  void settle() {
    int left = 50;
    run_until([&] { return --left == 0; });
  }

 private:
  void ask() {
    held_ = holds_();
    if (held_ || now().steady > give_up_) {
      stop();
    } else {
      run_next(ask_);
    }
  }

  std::function<bool()> holds_;
  core::TimePoint give_up_{};
  bool held_ = false;
  event::MemberTask<WatchedLoop> ask_{*this, &WatchedLoop::ask};
};
