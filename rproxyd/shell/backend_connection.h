// One connection to a backend: a stream, an HTTP session on it, and the exchange that it serves at
// the moment, if any. It is a BackendLink to that exchange.
//
//   connecting -> serving -> (released, reusable) -> kept -> serving -> …
//   serving a tunnel -> (released) -> finishing: what waits still leaves -> closed
//   every state -> closed, and then retired by BackendConnections
#pragma once

#include <memory>

#include "libcore/event/stream.h"
#include "rproxyd/http/h1_backend_session.h"
#include "rproxyd/proxy/exchange.h"
#include "rproxyd/shell/link_user.h"
#include "rproxyd/shell/shared_pool.h"

namespace rproxyd {

class BackendConnection;

// Who keeps connections that serve nobody.
class ConnectionKeeper {
 public:
  virtual void keep(BackendConnection& connection) = 0;    // it may serve another exchange
  virtual void discard(BackendConnection& connection) = 0; // it is closed: retire it

 protected:
  ~ConnectionKeeper() = default;
};

class BackendConnection final : public event::Retirable,
                                public BackendLink,
                                public LinkRequest,
                                private BackendEvents,
                                private Sink,
                                private event::StreamEvents,
                                private event::DeadlineHandler {
 public:
  // How long a node may take to take the rest of a tunnel.
  static constexpr core::Duration kFinish = std::chrono::seconds(10);

  BackendConnection(event::Loop& loop, ConnectionKeeper& keeper, const MessageLimits& limits);

  // Starts connecting for `user`, `first` before all else. False when the stream could not be set up.
  bool connect(event::StreamBuffers& buffers, event::Fd fd, bssl::UniquePtr<SSL> ssl,
               core::Bytes first, LinkUser& user);
  // Takes over a stream that is open already. Serves nobody: it is to be kept.
  void adopt(std::unique_ptr<event::Stream> stream);
  // A kept connection serves `user` from now on; link_open() follows within this wake-up, or
  // link_stale() if it turns out to have ended.
  void serve(LinkUser& user);
  // Kept, and closed after `idle` unless it serves again before.
  void rest(core::Duration idle);
  void detach_and_close(); // the user wants no answer any more

  void send_request(const RequestHead& head) override { session_.send_request(head); }
  void send_body(core::Bytes bytes) override { session_.send_body(bytes); }
  void finish(const FieldList* trailers) override { session_.finish(trailers); }
  std::size_t pending() const override { return stream_->pending(); }
  void pause() override { stream_->pause(); }
  void resume() override { stream_->resume(); }
  void release() override;
  void abort() override;
  void cancel() override { abort(); }

  BackendHome home; // BackendConnections' own: where it is kept

 private:
  void on_stream_open() override;
  void on_stream_data(core::MutableBytes bytes) override;
  void on_stream_drained() override;
  void on_stream_end(event::StreamEnd end, std::string_view why) override;
  void on_deadline(int kind) override;

  void write(core::Bytes bytes) override { stream_->write(bytes); }
  void shut_down() override { stream_->shut_down(); }

  void on_information(ResponseHead& head) override;
  void on_response(ResponseHead& head, bool end) override;
  void on_response_body(core::Bytes bytes) override;
  void on_response_end(const FieldList& trailers) override;
  void on_failure(BackendFailure failure, std::string_view why) override;

  void announce_open();
  void go_stale();
  void settle();
  void close();

  event::Loop& loop_;
  ConnectionKeeper& keeper_;
  const MessageLimits limits_;
  H1BackendSession session_;
  std::unique_ptr<event::Stream> stream_;
  LinkUser* user_ = nullptr;
  bool opened_ = false;
  bool reused_ = false;
  bool finishing_ = false;
  core::Deadline idle_{static_cast<event::DeadlineHandler*>(this)};
  event::MemberTask<BackendConnection> open_task_{*this, &BackendConnection::announce_open};
  event::MemberTask<BackendConnection> settle_task_{*this, &BackendConnection::settle};
};

} // namespace rproxyd
