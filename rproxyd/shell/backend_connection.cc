#include "rproxyd/shell/backend_connection.h"

#include <utility>

namespace rproxyd {

BackendConnection::BackendConnection(event::Loop& loop, ConnectionKeeper& keeper,
                                     const MessageLimits& limits)
    : loop_(loop), keeper_(keeper), limits_(limits), session_(*this, *this, limits_) {}

bool BackendConnection::connect(event::StreamBuffers& buffers, event::Fd fd,
                                bssl::UniquePtr<SSL> ssl, core::Bytes first, LinkUser& user) {
  user_ = &user;
  stream_ = event::Stream::connecting(loop_, buffers, std::move(fd), *this, std::move(ssl));
  if (!stream_) return false;
  if (!first.empty()) stream_->begin_with(first);
  stream_->set_low_water(kLinkHighWater / 2);
  return true;
}

void BackendConnection::adopt(std::unique_ptr<event::Stream> stream) {
  opened_ = true;
  stream_ = std::move(stream);
  stream_->hand_over(*this);
  stream_->set_low_water(kLinkHighWater / 2);
}

void BackendConnection::serve(LinkUser& user) {
  loop_.cancel(idle_);
  user_ = &user;
  reused_ = true;
  loop_.run_at_end(open_task_);
}

void BackendConnection::rest(core::Duration idle) { loop_.set_after(idle_, idle); }

void BackendConnection::detach_and_close() {
  user_ = nullptr;
  close();
}

// A tunnel that is broken off must not look as if it had ended.
void BackendConnection::abort() {
  user_ = nullptr;
  if (stream_->closed()) return;
  if (session_.tunnels()) stream_->abort();
  stream_->close();
  keeper_.discard(*this);
}

void BackendConnection::close() {
  if (stream_->closed()) return;
  stream_->close();
  keeper_.discard(*this);
}

// The session may still be in the midst of feed(): whether the connection can be kept shows later.
void BackendConnection::release() {
  user_ = nullptr;
  loop_.run_at_end(settle_task_);
}

void BackendConnection::settle() {
  if (stream_->closed() || user_ != nullptr) return;
  stream_->resume();
  if (session_.reusable()) {
    keeper_.keep(*this);
  } else if (session_.tunnels() && !stream_->fully_sent()) {
    finishing_ = true;
    loop_.set_after(idle_, kFinish);
  } else {
    close();
  }
}

void BackendConnection::announce_open() {
  if (user_ != nullptr && !stream_->closed()) user_->link_open(*this, reused_);
}

// The same wake-up that chose this kept connection brought its end, or bytes that nobody asked for.
void BackendConnection::go_stale() {
  LinkUser* user = std::exchange(user_, nullptr);
  close();
  user->link_stale();
}

// ---- from the stream

void BackendConnection::on_stream_open() {
  opened_ = true;
  if (user_ != nullptr) user_->link_open(*this, false);
}

void BackendConnection::on_stream_data(core::MutableBytes bytes) {
  if (open_task_.queued()) return go_stale();
  if (user_ == nullptr) {
    // Nobody asked: bytes left over from an answer, or unsolicited. The connection is not trusted
    // again (proxy rule 5).
    if (!settle_task_.queued()) return close();
  }
  session_.feed(bytes);
}

void BackendConnection::on_stream_drained() {
  if (finishing_ && stream_->fully_sent()) return close();
  if (user_ != nullptr) user_->link_drained();
}

void BackendConnection::on_stream_end(event::StreamEnd end, std::string_view why) {
  if (open_task_.queued()) return go_stale();
  const bool clean = end == event::StreamEnd::clean;
  if (!opened_) {
    LinkUser* user = std::exchange(user_, nullptr);
    close();
    if (user != nullptr) user->link_failed(clean ? "it closed the connection" : why);
    return;
  }
  if (clean) {
    session_.feed_end();
    if (session_.tunnels() && (user_ != nullptr || finishing_ || settle_task_.queued())) return;
  } else if (user_ != nullptr) {
    user_->link_broken(why);
  }
  close();
}

void BackendConnection::on_deadline(int) { close(); }

// ---- from the session: handed on to whoever is served

void BackendConnection::on_information(ResponseHead& head) {
  if (user_ != nullptr) user_->on_information(head);
}

void BackendConnection::on_response(ResponseHead& head, bool end) {
  if (user_ != nullptr) user_->on_response(head, end);
}

void BackendConnection::on_response_body(core::Bytes bytes) {
  if (user_ != nullptr) user_->on_response_body(bytes);
}

void BackendConnection::on_response_end(const FieldList& trailers) {
  if (user_ != nullptr) user_->on_response_end(trailers);
}

void BackendConnection::on_failure(BackendFailure failure, std::string_view why) {
  if (user_ != nullptr) user_->on_failure(failure, why);
  close();
}

} // namespace rproxyd
