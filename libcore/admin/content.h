// What a daemon shows of itself; each implements it in its shell. Called on admin's threads, one call
// at a time, never on a worker's: an implementation asks the workers' loops for copies of their
// figures, and doesn't wait for one that gives no answer.
#pragma once

#include <prometheus/metric_family.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

namespace admin {

class Content {
 public:
  virtual ~Content() = default;
  // Whether new work is taken: false while draining, and after a take-over.
  virtual bool ready() = 0;
  // metrics::Families makes them.
  virtual std::vector<prometheus::MetricFamily> metrics() = 0;
  // An object; status.h has the keys of both daemons. "history" is added to it.
  virtual nlohmann::json status() = 0;
};

// Admin has several threads, and an implementation needs to know of one alone.
class ContentInTurn final : public Content {
 public:
  explicit ContentInTurn(Content& content) : content_(content) {}
  bool ready() override { return content_.ready(); }
  std::vector<prometheus::MetricFamily> metrics() override {
    const std::lock_guard lock(mutex_);
    return content_.metrics();
  }
  nlohmann::json status() override {
    const std::lock_guard lock(mutex_);
    return content_.status();
  }

 private:
  Content& content_;
  std::mutex mutex_;
};

} // namespace admin
