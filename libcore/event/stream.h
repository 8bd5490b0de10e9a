// One TCP connection, plain or TLS, on a loop: bytes arrive as calls, bytes to send are gathered
// and leave at the end of the wake-up. Both daemons' stream connections are one of these.
//
//   opening    on_stream_open() once it is connected and the TLS handshake done. A plain connection
//              that was accepted is open from the start and raises none.
//   reading    edge-triggered, into a buffer shared by all streams of the loop; at most
//              kReadsPerTurn reads before others get their turn; pause() stops it, what was
//              already decrypted has been delivered, what was not waits as ciphertext (at most one
//              read's worth), and so does the end behind it.
//   writing    write() takes everything and never fails; before the stream is open, it waits. The
//              owner keeps pending() within its own named limit and is told by on_stream_drained()
//              when it falls to `low_water`. When the other side is gone, what waits is dropped:
//              what it had sent is still delivered, then on_stream_end() says so.
//   ending     shut_down() after the last write(): what is pending leaves, then TLS close_notify and
//              FIN. abort() is a RST. on_stream_end() is raised at most once, after all data; after
//              it, close() or abort() no event comes. When it was clean, writing still works and
//              on_stream_drained() is still raised, and should the other side then prove to be gone,
//              on_stream_end() is raised a second time, with StreamEnd::reset.
//              The owner may destroy the stream inside an event only by close() and Loop::retire().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/byte_queue.h"
#include "libcore/event/fd.h"
#include "libcore/event/loop.h"
#include "libcore/tls/session.h"

namespace event {

enum class StreamEnd : std::uint8_t {
  clean,   // FIN, and before it close_notify on TLS
  reset,   // RST, or FIN without close_notify on TLS: what came may be cut short
  refused, // the connection could not be made
  tls,     // the TLS handshake or a record failed
};

class StreamEvents {
 public:
  virtual void on_stream_open() = 0;
  virtual void on_stream_data(core::MutableBytes bytes) = 0; // borrowed during the call
  virtual void on_stream_drained() = 0; // see set_low_water(); also when shut_down() has been done
  virtual void on_stream_end(StreamEnd end, std::string_view why) = 0; // no more data; see abort()

 protected:
  ~StreamEvents() = default;
};

// Bytes as the network carried them, TLS included.
struct Traffic {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
};

// What the streams of one loop share.
struct StreamBuffers {
  static constexpr std::size_t kReadBytes = std::size_t{64} * 1024;
  core::ChunkPool pool;
  std::unique_ptr<std::uint8_t[]> ciphertext = std::make_unique<std::uint8_t[]>(kReadBytes);
  std::unique_ptr<std::uint8_t[]> plaintext = std::make_unique<std::uint8_t[]>(kReadBytes);
  Traffic traffic; // of the streams that no other count has
};

class Stream final : public Retirable, private ReadyHandler {
 public:
  static constexpr int kReadsPerTurn = 4;

  // A connection that was accepted; with `context` it is TLS.
  static std::unique_ptr<Stream> accepted(Loop& loop, StreamBuffers& buffers, Fd fd,
                                          StreamEvents& events,
                                          std::shared_ptr<const tls::ServerContext> context);
  // A connection that is being made (connect_tcp); with `ssl` it is TLS.
  static std::unique_ptr<Stream> connecting(Loop& loop, StreamBuffers& buffers, Fd fd,
                                            StreamEvents& events, bssl::UniquePtr<SSL> ssl);
  ~Stream() override;

  // Before the stream is open: what goes before all else, TLS included, such as a PROXY header.
  void begin_with(core::Bytes bytes) { output_.append(bytes); }
  void write(core::Bytes bytes);
  std::size_t pending() const { return gathered_.size() + output_.size(); }
  void flush(); // now instead of at the end of the wake-up; may raise on_stream_drained()
  // on_stream_drained() once pending() has been above `bytes` and is no longer.
  void set_low_water(std::size_t bytes);
  // The kernel takes nothing for now.
  bool blocked() const { return !writable_; }
  // Of a plain stream: what a blocked() one has not sent.
  std::vector<std::uint8_t> unsent() const { return output_.copy(); }
  // TLS: every write() from now on is a record of its own (or several, where it is longer than one),
  // for receivers that take a record for a message.
  void set_record_per_write() { record_per_write_ = true; }

  // From now on its bytes are counted there; that must outlive the stream.
  void count_in(Traffic& traffic) { traffic_ = &traffic; }

  void pause();
  void resume();
  bool paused() const { return paused_; }
  // A reset is told even while the stream is paused, and what had come before it is dropped: for
  // sides whose words mean nothing any more once they are gone. Without this, the pause holds it.
  void set_reset_overtakes() { reset_overtakes_ = true; }

  // What happens from now on is told to somebody else; from inside an event at most as its last act.
  void hand_over(StreamEvents& events) { events_ = &events; }

  void shut_down();
  void abort();
  void close(); // no events any more; what is pending is dropped
  bool open() const { return state_ == State::open; }
  bool closed() const { return state_ == State::closed; }
  bool fully_sent() const { return shut_down_sent_; }

  const tls::Session* tls() const { return tls_.get(); }
  int fd() const { return fd_.get(); }

 private:
  enum class State : std::uint8_t { connecting, handshaking, open, closed };
  Stream(Loop& loop, StreamBuffers& buffers, Fd fd, StreamEvents& events);
  bool start();

  void on_ready(Readiness readiness) override;
  void finish_connecting(Readiness readiness);
  void advance_handshake();
  void become_open();

  bool reading() const { return readable_ && !paused_ && !end_told_ && !closed(); }
  void read_turn();
  bool read_once();
  void deliver_tls();
  void reach_end_of_input();
  void end(StreamEnd end, std::string_view why);
  bool loss_may_be_told() const { return end_told_ || (paused_ && reset_overtakes_); }
  void tell_loss(int error);
  int socket_error() const;

  void encrypt(core::Bytes bytes);
  void encrypt_gathered();
  void send_output();
  void push_output();
  void finish_sending();
  void break_output(int error);
  void tell_drained();

  Loop& loop_;
  StreamBuffers& buffers_;
  Fd fd_;
  StreamEvents* events_;
  core::ByteQueue gathered_; // TLS: plaintext of this wake-up, so that small writes share a record
  core::ByteQueue output_;   // what the kernel is to get
  std::unique_ptr<tls::Session> tls_; // after output_, which it refers to
  State state_ = State::handshaking;
  bool readable_ = false; // the kernel may have more
  bool ended_ = false;    // the kernel has the end, behind what is still to be read
  bool end_told_ = false;
  Traffic* traffic_ = &buffers_.traffic;
  bool loss_told_ = false; // the end was not clean, or the loss came after it
  bool failed_ = false;    // the kernel has an error for us
  bool reset_overtakes_ = false;
  bool paused_ = false;
  bool writable_ = false;
  int output_error_ = 0; // errno: the kernel takes nothing any more
  bool above_low_water_ = false;
  bool record_per_write_ = false;
  bool shut_down_wanted_ = false;
  bool close_notify_queued_ = false;
  bool shut_down_sent_ = false;
  std::size_t low_water_ = 0;
  MemberTask<Stream> flush_task_{*this, &Stream::flush};
  MemberTask<Stream> read_task_{*this, &Stream::read_turn};
};

} // namespace event
