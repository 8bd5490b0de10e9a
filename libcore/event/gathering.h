// A question to several threads at once: each answers once, when it comes to it; whoever asked waits for
// them, but not for one that hangs.
//
//   const auto gathering = std::make_shared<event::Gathering<Figures>>(workers.size());
//   for (each worker i) worker.loop().post([=, &worker] { gathering->answer(i, worker.figures()); });
//   for (const auto& figures : gathering->wait(kPatience)) ... // nullopt: no answer in time
//
// Shared by all of them, since an answer may come when nobody waits any more.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "libcore/base/time.h"

namespace event {

template <typename Answer>
class Gathering {
 public:
  explicit Gathering(std::size_t asked) : answers_(asked), missing_(asked) {}

  // From any thread. `who`: 0 up to the number that were asked.
  void answer(std::size_t who, Answer answer) {
    const std::lock_guard lock(mutex_);
    if (answers_[who]) return;
    answers_[who] = std::move(answer);
    if (--missing_ == 0) complete_.notify_all();
  }

  // By who asked, once.
  std::vector<std::optional<Answer>> wait(core::Duration at_most) {
    std::unique_lock lock(mutex_);
    complete_.wait_for(lock, at_most, [this] { return missing_ == 0; });
    std::vector<std::optional<Answer>> answers(answers_.size());
    answers.swap(answers_);
    return answers;
  }

 private:
  std::mutex mutex_;
  std::condition_variable complete_;
  std::vector<std::optional<Answer>> answers_;
  std::size_t missing_;
};

} // namespace event
