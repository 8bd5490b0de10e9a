// One HTTP/2 connection to a backend: a stream, an H2BackendSession on it, and a Link for each exchange
// that it serves at the moment. Links may be asked for while it is still being made.
//
//   connecting -> open <-> idle -> closed            closed early when the node ends it
//             \-> handed over, when the node chose HTTP/1.1
//
// The node's GOAWAY, or ours to it, lets the links that there are go on to their ends.
#pragma once

#include <memory>
#include <vector>

#include "libcore/event/stream.h"
#include "rproxyd/http/h2_backend_session.h"
#include "rproxyd/shell/link_user.h"

namespace rproxyd {

class H2BackendConnection;

// Who keeps these connections.
class SharedConnectionKeeper {
 public:
  virtual void idle(H2BackendConnection& connection) = 0;    // it serves nobody
  virtual void discard(H2BackendConnection& connection) = 0; // it is closed: retire it
  // The node has chosen HTTP/1.1 for this stream, which is open.
  virtual void speaks_http_1(H2BackendConnection& connection,
                             std::unique_ptr<event::Stream> stream) = 0;
  virtual void has_no_tunnels(H2BackendConnection& connection) = 0;

 protected:
  ~SharedConnectionKeeper() = default;
};

class H2BackendConnection final : public event::Retirable,
                                  private Sink,
                                  private event::StreamEvents,
                                  private event::DeadlineHandler {
 public:
  // A node that has been silent for so long while it serves is sent a PING, and given up when it is
  // silent for as long again.
  static constexpr core::Duration kQuiet = std::chrono::seconds(15);

  H2BackendConnection(event::Loop& loop, SharedConnectionKeeper& keeper,
                      const MessageLimits& limits);
  ~H2BackendConnection() override;

  // Starts connecting. False when the stream could not be set up.
  bool connect(event::StreamBuffers& buffers, event::Fd fd, bssl::UniquePtr<SSL> ssl);
  // How many more links may be asked for.
  std::size_t room() const;
  // Serves `user` from now on; link_open(), link_failed(), link_stale() or link_moved() follows, never
  // from inside. Only while room() > 0.
  LinkRequest& serve(LinkUser& user, bool tunnel);
  // Idle, and closed after this unless it serves again before.
  void rest(core::Duration idle);
  void wind_down(); // no more links; closed when those that there are have ended
  void close();     // now; links that there are have broken

  BackendHome home; // SharedConnectionKeeper's own: where it belongs

 private:
  class Link;
  enum Kind : int { kIdle, kListening };

  void on_stream_open() override;
  void on_stream_data(core::MutableBytes bytes) override;
  void on_stream_drained() override;
  void on_stream_end(event::StreamEnd end, std::string_view why) override;
  void on_deadline(int kind) override;
  void write(core::Bytes bytes) override { stream_->write(bytes); }
  std::size_t pending() const override { return stream_->pending(); }

  void hand_over();
  void announce(Link& link);
  void flush_later();
  void flush();
  void drop(Link& link);
  std::unique_ptr<Link> take_link();
  void break_links(std::string_view why);

  event::Loop& loop_;
  SharedConnectionKeeper& keeper_;
  const MessageLimits limits_;
  core::ChunkPool* pool_ = nullptr;
  std::unique_ptr<event::Stream> stream_;
  std::unique_ptr<H2BackendSession> session_; // once open
  std::vector<std::unique_ptr<Link>> links_;
  bool winding_down_ = false;
  bool served_ = false; // a link has been open
  bool heard_ = true;   // something has come since the listening deadline was set
  core::Deadline idle_{static_cast<event::DeadlineHandler*>(this), kIdle};
  core::Deadline listening_{static_cast<event::DeadlineHandler*>(this), kListening};
  event::MemberTask<H2BackendConnection> flush_task_{*this, &H2BackendConnection::flush};
};

} // namespace rproxyd
