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
      events_(&events),
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

void Stream::on_ready(Readiness readiness) {
  if (state_ == State::connecting) finish_connecting(readiness);
  if (closed() || state_ == State::connecting) return;
  if (readiness.ended) ended_ = true;
  if (readiness.failed) failed_ = true;
  if (failed_ && loss_may_be_told()) return tell_loss(socket_error());
  if (readiness.readable) readable_ = true;
  if (readiness.writable) {
    writable_ = true;
    send_output();
  }
  if (readiness.readable) read_turn();
}

// ---- opening

void Stream::finish_connecting(Readiness readiness) {
  const int error = socket_error();
  if (error != 0) return end(StreamEnd::refused, std::strerror(error));
  if (!readiness.writable || end_told_) return;
  writable_ = true;
  if (!tls_) return become_open();
  state_ = State::handshaking;
  advance_handshake();
}

void Stream::advance_handshake() {
  const tls::Status status = tls_->handshake();
  if (status == tls::Status::failed || status == tls::Status::closed) {
    push_output(); // the alert that says why
    return end(StreamEnd::tls, status == tls::Status::closed
                                   ? "the other side closed during the handshake"
                                   : tls_->failure());
  }
  if (!output_.empty()) loop_.run_at_end(flush_task_);
  if (status == tls::Status::ok) become_open();
}

void Stream::become_open() {
  state_ = State::open;
  // What was written before now leaves.
  if (pending() > 0 || shut_down_wanted_) loop_.run_at_end(flush_task_);
  events_->on_stream_open();
}

// ---- reading

void Stream::pause() {
  paused_ = true;
  if (failed_ && loss_may_be_told()) loop_.run_next(read_task_);
}

void Stream::resume() {
  if (!paused_) return;
  paused_ = false;
  if (readable_ || (tls_ && tls_->has_input())) loop_.run_next(read_task_);
}

void Stream::read_turn() {
  if (closed()) return;
  if ((failed_ || output_error_ != 0) && loss_may_be_told()) {
    return tell_loss(output_error_ != 0 ? output_error_ : socket_error());
  }
  if (paused_ || end_told_) return;
  if (tls_ && tls_->has_input()) deliver_tls();
  for (int i = 0; i < kReadsPerTurn; ++i) {
    if (!reading() || !read_once()) return;
  }
  if (reading()) loop_.run_next(read_task_);
}

// False when there is nothing more for now.
bool Stream::read_once() {
  const core::MutableBytes room(tls_ ? buffers_.ciphertext.get() : buffers_.plaintext.get(),
                                StreamBuffers::kReadBytes);
  const ssize_t count = ::recv(fd_.get(), room.data(), room.size(), 0);
  if (count < 0 && errno == EINTR) return true;
  if (count < 0 && errno != EAGAIN) {
    end(StreamEnd::reset, std::strerror(errno));
    return false;
  }
  if (count <= 0) {
    readable_ = false;
    if (count == 0 || output_error_ != 0) reach_end_of_input();
    return false;
  }
  const auto size = static_cast<std::size_t>(count);
  traffic_->received += size;
  // A short read means that the kernel has no more, unless the end is queued behind it: an end that
  // comes later raises an event of its own, one that this event told of does not.
  if (size < room.size() && !ended_) readable_ = false;
  if (tls_) {
    tls_->feed(room.first(size));
    deliver_tls();
  } else {
    events_->on_stream_data(room.first(size));
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
      events_->on_stream_data(room.first(std::exchange(used, 0)));
      if (closed()) return;
    }
    if (read.status == tls::Status::ok) continue;
    if (read.status == tls::Status::failed) {
      push_output(); // the alert that says why
      return end(StreamEnd::tls, tls_->failure());
    }
    if (!output_.empty()) loop_.run_at_end(flush_task_); // the answer to a key update
    if (read.status == tls::Status::closed) end(StreamEnd::clean, "");
    return;
  }
  tls_->keep_rest();
}

void Stream::reach_end_of_input() {
  if (output_error_ != 0) {
    // The error has been taken from the socket by a write: what is left to read is a bare end.
    end(StreamEnd::reset, std::strerror(output_error_));
  } else if (!tls_) {
    end(StreamEnd::clean, "");
  } else if (state_ == State::handshaking) {
    end(StreamEnd::reset, "the connection ended during the TLS handshake");
  } else {
    // A clean end of TLS is close_notify, which deliver_tls() would have seen.
    end(StreamEnd::reset, "the connection ended without close_notify");
  }
}

void Stream::end(StreamEnd end, std::string_view why) {
  if (closed() || end_told_) return;
  end_told_ = true;
  loss_told_ = end != StreamEnd::clean;
  if (failed_ && !loss_told_) loop_.run_next(read_task_); // there is worse to come
  events_->on_stream_end(end, why);
}

void Stream::tell_loss(int error) {
  if (loss_told_) return;
  end_told_ = loss_told_ = true;
  if (error == 0) error = ECONNRESET;
  output_error_ = error;
  gathered_.clear();
  output_.clear();
  events_->on_stream_end(StreamEnd::reset, std::strerror(error));
}

int Stream::socket_error() const {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

// ---- writing

void Stream::write(core::Bytes bytes) {
  if (closed() || shut_down_wanted_ || output_error_ != 0 || bytes.empty()) return;
  if (!tls_) {
    output_.append(bytes);
  } else if (state_ == State::open &&
             (record_per_write_ || (gathered_.empty() && bytes.size() >= kMaxRecord))) {
    encrypt_gathered();
    encrypt(bytes);
  } else {
    gathered_.append(bytes);
    if (state_ == State::open && gathered_.size() >= kMaxRecord) encrypt_gathered();
  }
  if (pending() > low_water_) above_low_water_ = true;
  loop_.run_at_end(flush_task_);
}

void Stream::set_low_water(std::size_t bytes) {
  low_water_ = bytes;
  if (pending() > low_water_) above_low_water_ = true;
}

void Stream::encrypt(core::Bytes bytes) {
  if (tls_->write(bytes) != tls::Status::ok) break_output(EPROTO);
}

void Stream::encrypt_gathered() {
  while (!gathered_.empty()) {
    const core::Bytes piece = gathered_.front();
    encrypt(piece);
    if (output_error_ != 0) return;
    gathered_.consume(piece.size());
  }
}

void Stream::flush() {
  if (closed()) return;
  if (state_ == State::open) encrypt_gathered();
  if (writable_) send_output();
}

void Stream::send_output() {
  push_output();
  if (state_ != State::open) return;
  if (shut_down_wanted_ && !shut_down_sent_ && pending() == 0) finish_sending();
  if (above_low_water_ && pending() <= low_water_) tell_drained();
}

void Stream::push_output() {
  while (!output_.empty() && writable_) {
    std::array<iovec, kSendVectors> vectors{};
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = output_.gather(vectors);
    const ssize_t count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (count >= 0) {
      traffic_->sent += static_cast<std::uint64_t>(count);
      output_.consume(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      writable_ = false;
    } else if (errno != EINTR) {
      break_output(errno);
    }
  }
}

void Stream::tell_drained() {
  above_low_water_ = false;
  if (!loss_told_) events_->on_stream_drained();
}

// Not yet the end: what the other side sent before it went is read first.
void Stream::break_output(int error) {
  output_error_ = error;
  gathered_.clear();
  output_.clear();
  readable_ = true;
  if (!paused_ || loss_may_be_told()) loop_.run_next(read_task_);
}

// ---- ending

void Stream::shut_down() {
  if (closed() || shut_down_wanted_) return;
  shut_down_wanted_ = true;
  loop_.run_at_end(flush_task_);
}

void Stream::finish_sending() {
  if (output_error_ != 0) return;
  if (tls_ && !close_notify_queued_) {
    close_notify_queued_ = true;
    tls_->shut_down();
    push_output();
    if (!output_.empty() || output_error_ != 0) return; // goes on when the kernel takes more
  }
  ::shutdown(fd_.get(), SHUT_WR);
  shut_down_sent_ = true;
  above_low_water_ = true; // so that it is told
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
  gathered_.clear();
  output_.clear();
}

} // namespace event
