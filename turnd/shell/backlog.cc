#include "turnd/shell/backlog.h"

namespace turnd {

bool Backlog::add(core::Bytes frame, Kind kind, core::TimePoint now) {
  drop_old(now);
  if (kind == Kind::answer) {
    if (answer_bytes_ + frame.size() > kMaxAnswerBytes) return false;
    answer_bytes_ += frame.size();
  } else {
    while (!frames_.empty() && frames_.front().kind == Kind::data &&
           bytes_.size() + frame.size() > kMaxBytes) {
      drop_first();
    }
    if (bytes_.size() + frame.size() > kMaxBytes) {
      ++dropped_;
      return true;
    }
  }
  bytes_.append(frame);
  frames_.push_back({.size = frame.size(), .since = now, .kind = kind});
  return true;
}

void Backlog::drop_old(core::TimePoint now) {
  while (!frames_.empty() && frames_.front().kind == Kind::data &&
         now - frames_.front().since > kMaxAge) {
    drop_first();
  }
}

void Backlog::drop_first() {
  bytes_.consume(frames_.front().size);
  frames_.pop_front();
  ++dropped_;
}

} // namespace turnd
