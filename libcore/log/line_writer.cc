#include "libcore/log/line_writer.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace logging {
namespace {

constexpr std::string_view kNotTaken = "what is written is not taken";

// Whether something can be written without waiting for long. A pipe that says so has room for
// kPipeWrite bytes.
bool writable(int descriptor, std::chrono::milliseconds patience) {
  pollfd waits{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return ::poll(&waits, 1, static_cast<int>(patience.count())) > 0;
}

bool is_regular(int descriptor) {
  struct stat status{};
  return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

// As many whole lines as `most` bytes hold; of a longer line its beginning.
std::size_t whole_lines(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  const auto newline = text.substr(0, most).rfind('\n');
  return newline == std::string_view::npos ? most : newline + 1;
}

std::uint64_t count_lines(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

} // namespace

LineWriter::LineWriter(int descriptor, Ownership ownership, Events events, Pace pace)
    : events_(std::move(events)),
      pace_(pace),
      descriptor_(descriptor),
      ownership_(ownership),
      thread_([this] { run(); }) {}

LineWriter::~LineWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (replacement_ >= 0 && replacement_ownership_ == Ownership::owned) ::close(replacement_);
  if (ownership_ == Ownership::owned) ::close(descriptor_);
}

// ---- from any thread

void LineWriter::add(std::string_view lines) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t room = kQueueLimit - std::min(kQueueLimit, waiting());
    std::size_t taken = lines.size();
    if (taken > room) {
      const auto newline = room == 0 ? std::string_view::npos : lines.rfind('\n', room - 1);
      taken = newline == std::string_view::npos ? 0 : newline + 1;
      lost_ += count_lines(lines.substr(taken));
    }
    if (taken == 0) return;
    const std::size_t before = waiting();
    queue_.append(lines.substr(0, taken));
    // Else the thread is at it, or gathers.
    if (before > 0 && (before >= kGatheredBytes || waiting() < kGatheredBytes)) return;
  }
  wake_.notify_one();
}

void LineWriter::flush() {
  Lock lock(mutex_);
  hurried_ = true;
  wake_.notify_one();
  settled_.wait(lock, [this] { return stuck_ || (waiting() == 0 && !writing_); });
}

void LineWriter::replace(int descriptor, Ownership ownership) {
  {
    const std::lock_guard lock(mutex_);
    if (replacement_ >= 0 && replacement_ownership_ == Ownership::owned) ::close(replacement_);
    replacement_ = descriptor;
    replacement_ownership_ = ownership;
    replace_after_ = written_ + waiting();
    stuck_ = false;
  }
  wake_.notify_one();
}

void LineWriter::want_ticks() {
  {
    const std::lock_guard lock(mutex_);
    if (ticking_) return;
    ticking_ = true;
    next_tick_ = Clock::now() + kTick;
  }
  wake_.notify_one();
}

std::uint64_t LineWriter::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

// ---- the thread

void LineWriter::run() {
  Lock lock(mutex_);
  const auto something = [this] { return stopping_ || waiting() != 0 || replacement_ >= 0; };
  while (!stopping_) {
    if (ticking_) {
      wake_.wait_until(lock, next_tick_, something);
    } else {
      wake_.wait(lock, [&] { return ticking_ || something(); });
    }
    if (replacement_ >= 0) take_replacement(lock);
    if (ticking_ && Clock::now() >= next_tick_) tick(lock);
    if (pace_ == Pace::gathering) gather(lock);
    while (waiting() != 0 && !stopping_ && replacement_ < 0) {
      if (write_some(lock)) continue;
      wake_.wait_for(lock, kRetry, [this] { return stopping_ || replacement_ >= 0; });
    }
    hurried_ = false;
    settled_.notify_all();
  }
  tick(lock);
  if (replacement_ >= 0) take_replacement(lock);
  const auto last = Clock::now() + kFarewell;
  while (waiting() != 0 && Clock::now() < last) {
    if (!write_some(lock)) wake_.wait_for(lock, kRetry / 4);
  }
}

void LineWriter::gather(Lock& lock) {
  if (waiting() == 0) return;
  wake_.wait_for(lock, kGathering, [this] {
    return stopping_ || hurried_ || replacement_ >= 0 || waiting() >= kGatheredBytes;
  });
}

void LineWriter::tick(Lock& lock) {
  if (!events_.on_tick) return;
  lock.unlock();
  const bool again = events_.on_tick();
  lock.lock();
  ticking_ = again;
  next_tick_ = Clock::now() + kTick;
}

bool LineWriter::write_some(Lock& lock) {
  const int descriptor = descriptor_;
  writing_ = true;
  std::string_view first = std::string_view(queue_).substr(begin_);
  if (replacement_ >= 0) first = first.substr(0, replace_after_ - written_);
  const std::string lines(
      first.substr(0, whole_lines(first, is_regular(descriptor) ? kFileWrite : kPipeWrite)));
  lock.unlock();
  ssize_t written = -1;
  int error = EAGAIN;
  if (writable(descriptor, kRetry)) {
    do {
      written = ::write(descriptor, lines.data(), lines.size());
    } while (written < 0 && errno == EINTR);
    error = errno;
  }
  lock.lock();
  writing_ = false;
  if (written <= 0) {
    failed(lock, error == EAGAIN ? std::string(kNotTaken) : std::generic_category().message(error));
    return false;
  }
  stuck_ = false;
  written_ += static_cast<std::uint64_t>(written);
  consume(static_cast<std::size_t>(written));
  if (waiting() != 0) return true;
  if (std::exchange(in_trouble_, false) || lost_ != told_) {
    tell(lock, {.reason = {}, .lost = lost_ - std::exchange(told_, lost_)});
  }
  return true;
}

void LineWriter::consume(std::size_t bytes) {
  mid_line_ = queue_[begin_ + bytes - 1] != '\n';
  begin_ += bytes;
  if (begin_ == queue_.size()) {
    queue_.clear();
    begin_ = 0;
  } else if (begin_ >= queue_.size() / 2) {
    queue_.erase(0, std::exchange(begin_, 0));
  }
}

void LineWriter::failed(Lock& lock, std::string reason) {
  stuck_ = true;
  settled_.notify_all();
  if (std::exchange(in_trouble_, true)) return;
  tell(lock, {.reason = std::move(reason), .lost = 0});
}

void LineWriter::tell(Lock& lock, const Trouble& trouble) {
  if (!events_.on_trouble) return;
  lock.unlock();
  events_.on_trouble(trouble);
  lock.lock();
}

// What was added before goes to the old descriptor, unless that can't be written.
void LineWriter::take_replacement(Lock& lock) {
  while (written_ < replace_after_ && write_some(lock)) {
  }
  if (ownership_ == Ownership::owned) ::close(descriptor_);
  descriptor_ = std::exchange(replacement_, -1);
  ownership_ = replacement_ownership_;
  if (!std::exchange(mid_line_, false)) return;
  const auto newline = queue_.find('\n', begin_);
  consume(newline - begin_ + 1);
  ++lost_;
}

} // namespace logging
