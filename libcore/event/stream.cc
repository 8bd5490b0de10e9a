#include "libcore/event/stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace event {
namespace {

constexpr std::size_t kMaxRecord = std::size_t{16} * 1024; // RFC 8446 section 5.1
constexpr std::size_t kSendVectors = 16;

} // namespace

Stream::Stream(Loop& loop, StreamBuffers& buffers, Fd fd, StreamEvents& events)
    : loop_(loop),
      buffers_(buffers),
      fd_(std::move(fd)),
      events_(events),
      gathered_(buffers.pool),
      output_(buffers.pool) {}

Stream::~Stream() { close(); }

std::unique_ptr<Stream> Stream::accepted(Loop& loop, StreamBuffers& buffers, Fd fd,
                                         StreamEvents& events,
                                         std::shared_ptr<const tls::ServerContext> context) {
  std::unique_ptr<Stream> stream(new Stream(loop, buffers, std::move(fd), events));
  if (context) {
    stream->tls_ = tls::Session::server(std::move(context), stream->output_, buffers.pool);
    if (!stream->tls_) return nullptr;
  } else {
    stream->state_ = State::open;
  }
  stream->writable_ = true;
  return stream->start() ? std::move(stream) : nullptr;
}

std::unique_ptr<Stream> Stream::connecting(Loop& loop, StreamBuffers& buffers, Fd fd,
                                           StreamEvents& events, bssl::UniquePtr<SSL> ssl) {
  std::unique_ptr<Stream> stream(new Stream(loop, buffers, std::move(fd), events));
  if (ssl)
    stream->tls_ = std::make_unique<tls::Session>(std::move(ssl), stream->output_, buffers.pool);
  stream->state_ = State::connecting;
  return stream->start() ? std::move(stream) : nullptr;
}

bool Stream::start() {
  return loop_.poller().add(fd_.get(), Interest::read_write, Trigger::edge, *this);
}

// ---- reading

void Stream::on_ready(Readiness readiness) {
  if (state_ == State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return end(StreamEnd::refused, std::strerror(error));
    if (!readiness.writable) return;
    writable_ = true;
    state_ = State::handshaking;
    if (tls_) {
      advance_handshake();
    } else {
      become_open();
    }
    if (closed()) return;
  }
  if (readiness.writable) {
    writable_ = true;
    if (!output_.empty()) send_output();
    if (closed()) return;
  }
  if (readiness.ended) ended_ = true;
  if (readiness.readable) {
    readable_ = true;
    read_turn();
  }
}

void Stream::pause() { paused_ = true; }

void Stream::resume() {
  if (!paused_) return;
  paused_ = false;
  if (readable_ || (tls_ && tls_->has_input())) loop_.run_next(read_task_);
}

void Stream::continue_reading() {
  if (!closed()) read_turn();
}

void Stream::read_turn() {
  if (tls_ && tls_->has_input()) deliver_tls();
  for (int i = 0; i < kReadsPerTurn; ++i) {
    if (closed() || paused_ || !readable_) return;
    if (!read_once()) return;
  }
  if (!closed() && !paused_ && readable_) loop_.run_next(read_task_);
}

// False when there is nothing more for now.
bool Stream::read_once() {
  const core::MutableBytes room(tls_ ? buffers_.ciphertext.get() : buffers_.plaintext.get(),
                                StreamBuffers::kReadBytes);
  const ssize_t count = ::recv(fd_.get(), room.data(), room.size(), 0);
  if (count < 0) {
    if (errno == EINTR) return true;
    readable_ = false;
    if (errno != EAGAIN) end(StreamEnd::reset, std::strerror(errno));
    return false;
  }
  if (count == 0) {
    readable_ = false;
    // A clean end of TLS is close_notify, which deliver_tls() has seen if there was one.
    end(tls_ ? StreamEnd::reset : StreamEnd::clean,
        tls_ ? "the connection ended without close_notify" : "");
    return false;
  }
  const auto size = static_cast<std::size_t>(count);
  // A short read means that the kernel has no more, unless the end is queued behind it: an end that
  // comes later raises an event of its own, one that this event told of does not.
  if (size < room.size() && !ended_) readable_ = false;
  if (tls_) {
    tls_->feed(room.first(size));
    deliver_tls();
  } else {
    events_.on_stream_data(room.first(size));
  }
  return true;
}

void Stream::deliver_tls() {
  if (state_ == State::handshaking) {
    advance_handshake();
    if (state_ != State::open) return;
  }
  const core::MutableBytes room(buffers_.plaintext.get(), StreamBuffers::kReadBytes);
  std::size_t used = 0;
  while (!paused_) {
    // Several records of one wake-up are handed on together.
    const auto read = tls_->read(room.subspan(used));
    used += read.size;
    if (read.status == tls::Status::ok && room.size() - used >= kMaxRecord) continue;
    if (used > 0) {
      events_.on_stream_data(room.first(std::exchange(used, 0)));
      if (closed()) return;
    }
    if (read.status == tls::Status::ok) continue;
    if (!output_.empty()) schedule_flush(); // an alert, or the answer to a key update
    if (read.status == tls::Status::closed) end(StreamEnd::clean, "");
    if (read.status == tls::Status::failed) end(StreamEnd::tls, tls_->failure());
    return;
  }
  tls_->keep_rest();
}

void Stream::advance_handshake() {
  const tls::Status status = tls_->handshake();
  if (!output_.empty()) schedule_flush();
  if (status == tls::Status::ok) become_open();
  if (status == tls::Status::failed || status == tls::Status::closed) {
    send_output(); // the alert that says why
    if (!closed()) end(StreamEnd::tls, tls_->failure());
  }
}

void Stream::become_open() {
  state_ = State::open;
  events_.on_stream_open();
}

// ---- writing

void Stream::write(core::Bytes bytes) {
  if (closed() || bytes.empty()) return;
  if (!tls_) {
    output_.append(bytes);
  } else if (gathered_.empty() && bytes.size() >= kMaxRecord) {
    tls_->write(bytes);
  } else {
    gathered_.append(bytes);
    if (gathered_.size() >= kMaxRecord) encrypt_gathered();
  }
  schedule_flush();
}

void Stream::schedule_flush() {
  if (pending() > low_water_) above_low_water_ = true;
  loop_.run_at_end(flush_task_);
}

void Stream::encrypt_gathered() {
  while (!gathered_.empty()) {
    const core::Bytes piece = gathered_.front();
    tls_->write(piece);
    gathered_.consume(piece.size());
  }
}

void Stream::flush() {
  if (closed()) return;
  if (state_ == State::open) encrypt_gathered();
  if (writable_) send_output();
}

void Stream::send_output() {
  while (!output_.empty()) {
    std::array<iovec, kSendVectors> vectors;
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = output_.gather(vectors);
    const ssize_t count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      writable_ = false;
      if (errno != EAGAIN) return end(StreamEnd::reset, std::strerror(errno));
      break;
    }
    output_.consume(static_cast<std::size_t>(count));
  }
  if (shut_down_wanted_ && !shut_down_sent_ && pending() == 0) finish_sending();
  if (above_low_water_ && pending() <= low_water_ && !closed()) {
    above_low_water_ = false;
    events_.on_stream_drained();
  }
}

// ---- ending

void Stream::finish_sending() {
  if (tls_ && state_ == State::open && !close_notify_queued_) {
    close_notify_queued_ = true;
    tls_->shut_down();
    if (!output_.empty()) return send_output(); // which comes back here
  }
  ::shutdown(fd_.get(), SHUT_WR);
  shut_down_sent_ = true;
  events_.on_stream_drained();
}

void Stream::shut_down() {
  if (closed() || shut_down_wanted_) return;
  shut_down_wanted_ = true;
  schedule_flush();
}

void Stream::abort() {
  if (closed()) return;
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void Stream::close() {
  if (closed()) return;
  state_ = State::closed;
  loop_.poller().remove(fd_.get(), *this);
  fd_.reset();
}

void Stream::end(StreamEnd end, std::string_view why) {
  if (closed()) return;
  readable_ = false;
  events_.on_stream_end(end, why);
}

} // namespace event
