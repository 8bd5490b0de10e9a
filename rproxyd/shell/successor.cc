#include "rproxyd/shell/successor.h"

#include <utility>

namespace rproxyd {

Successor::~Successor() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Successor::tell(nlohmann::json note) {
  const std::lock_guard lock(mutex_);
  if (deaf_) return;
  if (waiting_.size() >= kMaxNotes) {
    ++lost_;
    return;
  }
  waiting_.push_back(std::move(note));
  changed_.notify_one();
}

void Successor::begin(std::shared_ptr<take_over::Channel> notes) {
  notes_ = std::move(notes);
  thread_ = std::thread([this] { send_until_ended(); });
}

void Successor::forget() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
}

void Successor::send_until_ended() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) break;
    const nlohmann::json note = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const auto sent = notes_->send(take_over::Kind::note, note);
    lock.lock();
    if (sent) continue;
    deaf_ = true;
    lost_ += waiting_.size() + 1;
    waiting_.clear();
    break;
  }
  if (lost_ != 0) {
    log_.warning("take_over.notes_lost", "the process that took over was not told everything",
                 logging::field("notes", lost_));
  }
}

} // namespace rproxyd
