// Asks workers for copies of their figures: each makes its own on its thread, and whoever asks waits for
// all of them, but not for ever. For one that gives no answer (it hangs, or has ended) the last that it
// gave stands in, and it is not waited for again until it has answered.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "libcore/base/time.h"

namespace rproxyd {

template <typename Figures>
class Survey {
 public:
  static constexpr core::Duration kPatience = std::chrono::seconds(1);

  using Work = std::move_only_function<void()>;
  struct Asked {
    std::function<void(Work)> post; // to the worker's thread
    std::function<Figures()> copy;  // called there
  };
  struct Result {
    Figures sum;
    std::size_t answered = 0;
  };

  explicit Survey(std::vector<Asked> asked, core::Duration patience = kPatience)
      : asked_(std::move(asked)), patience_(patience), last_(asked_.size()) {}

  void be_patient(core::Duration patience) { patience_ = patience; }

  // Not on a worker's thread, and by one thread at a time.
  Result ask() {
    const auto answers = std::make_shared<Answers>(asked_.size());
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      asked_[i].post([answers, i, copy = asked_[i].copy] { answers->set(i, copy()); });
    }
    Result result;
    std::unique_lock lock(answers->mutex);
    answers->came.wait_for(lock, patience_, [&] {
      for (std::size_t i = 0; i < asked_.size(); ++i) {
        if (!answers->figures[i] && !last_[i].silent) return false;
      }
      return true;
    });
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      auto& came = answers->figures[i];
      last_[i].silent = !came;
      if (came) {
        last_[i].figures = *std::move(came);
        ++result.answered;
      }
      result.sum += last_[i].figures;
    }
    return result;
  }

 private:
  struct Answers {
    explicit Answers(std::size_t count) : figures(count) {}
    void set(std::size_t i, Figures of) {
      const std::lock_guard lock(mutex);
      figures[i] = std::move(of);
      came.notify_one();
    }
    std::mutex mutex;
    std::condition_variable came;
    std::vector<std::optional<Figures>> figures;
  };
  struct Last {
    Figures figures;
    bool silent = false;
  };

  const std::vector<Asked> asked_;
  core::Duration patience_;
  std::vector<Last> last_;
};

} // namespace rproxyd
