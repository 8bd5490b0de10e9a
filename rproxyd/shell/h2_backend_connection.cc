#include "rproxyd/shell/h2_backend_connection.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace rproxyd {

// One exchange's part of the connection.
class H2BackendConnection::Link final : public event::Retirable,
                                        public BackendLink,
                                        public LinkRequest,
                                        private BackendStreamUser {
 public:
  Link(H2BackendConnection& connection, LinkUser& user, bool for_tunnel)
      : tunnel(for_tunnel), connection_(connection), user_(&user) {}

  const bool tunnel;
  bool announced = false;

  bool has_stream() const { return stream_.has_value(); }
  // Who is to be told of the link's end; nothing is told after that.
  LinkUser* take_user() { return std::exchange(user_, nullptr); }
  LinkUser* user() const { return user_; }

 private:
  H2BackendSession& session() const { return *connection_.session_; }

  void send_request(const RequestHead& head) override {
    stream_ = session().open(head, *this);
    connection_.flush_later();
  }
  void send_body(core::Bytes bytes) override {
    if (!stream_) return;
    session().send_body(*stream_, bytes);
    connection_.flush_later();
  }
  void finish(const FieldList* trailers) override {
    if (!stream_) return;
    session().finish(*stream_, trailers);
    connection_.flush_later();
  }
  std::size_t pending() const override { return stream_ ? session().queued(*stream_) : 0; }
  void pause() override {
    if (stream_) session().pause(*stream_);
  }
  void resume() override {
    if (!stream_) return;
    session().resume(*stream_);
    connection_.flush_later();
  }
  void release() override { cancel(); }
  void abort() override { cancel(); }

  void cancel() override {
    user_ = nullptr;
    if (stream_ && connection_.session_) session().leave(*stream_);
    connection_.drop(*this);
  }

  void on_request_drained() override {
    if (user_ != nullptr) user_->link_drained();
  }
  void on_information(ResponseHead& head) override {
    if (user_ != nullptr) user_->on_information(head);
  }
  void on_response(ResponseHead& head, bool end) override {
    if (user_ != nullptr) user_->on_response(head, end);
  }
  void on_response_body(core::Bytes bytes) override {
    if (user_ != nullptr) user_->on_response_body(bytes);
  }
  void on_response_end(const FieldList& trailers) override {
    if (user_ != nullptr) user_->on_response_end(trailers);
  }
  void on_failure(BackendFailure failure, std::string_view why) override {
    if (user_ != nullptr) user_->on_failure(failure, why);
  }

  H2BackendConnection& connection_;
  LinkUser* user_;
  std::optional<BackendStreamId> stream_;
};

H2BackendConnection::H2BackendConnection(event::Loop& loop, SharedConnectionKeeper& keeper,
                                         const MessageLimits& limits)
    : loop_(loop), keeper_(keeper), limits_(limits) {}

H2BackendConnection::~H2BackendConnection() = default;

bool H2BackendConnection::connect(event::StreamBuffers& buffers, event::Fd fd,
                                  bssl::UniquePtr<SSL> ssl) {
  pool_ = &buffers.pool;
  stream_ = event::Stream::connecting(loop_, buffers, std::move(fd), *this, std::move(ssl));
  if (!stream_) return false;
  stream_->set_low_water(H2BackendSession::kWireHighWater / 2);
  return true;
}

std::size_t H2BackendConnection::room() const {
  if (winding_down_) return 0;
  if (!session_) {
    return H2BackendSession::kMaxStreams - std::min(H2BackendSession::kMaxStreams, links_.size());
  }
  const auto waiting = static_cast<std::size_t>(
      std::ranges::count_if(links_, [](const auto& link) { return !link->has_stream(); }));
  const std::size_t room = session_->room();
  return room - std::min(room, waiting);
}

LinkRequest& H2BackendConnection::serve(LinkUser& user, bool tunnel) {
  loop_.cancel(idle_);
  if (links_.empty()) {
    heard_ = true;
    loop_.set_after(listening_, kQuiet);
  }
  links_.push_back(std::make_unique<Link>(*this, user, tunnel));
  flush_later();
  return *links_.back();
}

void H2BackendConnection::rest(core::Duration idle) { loop_.set_after(idle_, idle); }

void H2BackendConnection::wind_down() {
  winding_down_ = true;
  flush_later();
}

void H2BackendConnection::close() {
  if (!stream_ || stream_->closed()) return;
  stream_->close();
  break_links("the connection was closed");
  keeper_.discard(*this);
}

void H2BackendConnection::flush_later() {
  if (stream_ && !stream_->closed()) loop_.run_at_end(flush_task_);
}

// Opens what waits, and lets the session write.
void H2BackendConnection::flush() {
  if (!session_ || stream_->closed()) return;
  // What is announced may add links, and take others away.
  for (std::size_t i = 0; i < links_.size();) {
    Link& link = *links_[i];
    const bool ready = !link.announced && (!link.tunnel || session_->settled());
    if (ready) announce(link);
    if (stream_->closed()) return;
    if (i < links_.size() && links_[i].get() == &link) ++i;
  }
  session_->flush();
  if (stream_->closed()) return;
  if (session_->finished()) {
    break_links("the node ended the connection");
    return close();
  }
  if (links_.empty() && (winding_down_ || !session_->usable()) && session_->idle()) close();
}

void H2BackendConnection::announce(Link& link) {
  link.announced = true;
  if (link.tunnel && !session_->tunnels()) {
    keeper_.has_no_tunnels(*this);
    LinkUser* user = link.take_user();
    drop(link);
    return user->link_moved();
  }
  link.user()->link_open(link, std::exchange(served_, true));
}

// The link is gone for its user; the stream may still be on its way to its end.
void H2BackendConnection::drop(Link& link) {
  const auto at = std::ranges::find(links_, &link, [](const auto& each) { return each.get(); });
  if (at == links_.end()) return;
  loop_.retire(std::move(*at));
  links_.erase(at);
  flush_later();
  if (!links_.empty()) return;
  loop_.cancel(listening_);
  if (!stream_ || stream_->closed()) return;
  if (session_) return keeper_.idle(*this);
  close(); // nobody waits for it any more
}

void H2BackendConnection::break_links(std::string_view why) {
  while (!links_.empty()) {
    std::unique_ptr<Link> link = std::move(links_.back());
    links_.pop_back();
    LinkUser* user = link->take_user();
    const bool sent = link->has_stream();
    loop_.retire(std::move(link));
    if (user == nullptr) continue;
    if (!session_ || (!sent && !session_->settled())) {
      user->link_failed(why);
    } else if (!sent) {
      user->link_stale();
    } else {
      user->link_broken(why);
    }
  }
  loop_.cancel(listening_);
}

// ---- from the stream

void H2BackendConnection::on_stream_open() {
  const bool secure = stream_->tls() != nullptr;
  if (secure && stream_->tls()->alpn() != "h2") return hand_over();
  Sink& sink = *this;
  session_ = std::make_unique<H2BackendSession>(sink, limits_, *pool_, secure);
  flush_later();
}

void H2BackendConnection::hand_over() {
  auto links = std::exchange(links_, {});
  loop_.cancel(listening_);
  keeper_.speaks_http_1(*this, std::move(stream_));
  for (auto& link : links) {
    LinkUser* user = link->take_user();
    loop_.retire(std::move(link));
    if (user != nullptr) user->link_moved();
  }
}

void H2BackendConnection::on_stream_data(core::MutableBytes bytes) {
  heard_ = true;
  session_->feed(bytes);
  flush_later();
}

void H2BackendConnection::on_stream_drained() { flush_later(); }

void H2BackendConnection::on_stream_end(event::StreamEnd end, std::string_view why) {
  const bool clean = end == event::StreamEnd::clean;
  stream_->close();
  break_links(clean ? "the node closed the connection" : why);
  keeper_.discard(*this);
}

void H2BackendConnection::on_deadline(int kind) {
  if (kind == kIdle || session_ == nullptr) {
    if (kind != kIdle) return; // the exchanges time their connecting
    session_->shut_down();
    session_->flush();
    stream_->flush();
    return close();
  }
  if (!std::exchange(heard_, false)) {
    if (!session_->ping_answered()) {
      stream_->close();
      break_links("the node answers no pings");
      return keeper_.discard(*this);
    }
    session_->ping();
    flush_later();
  }
  loop_.set_after(listening_, kQuiet);
}

} // namespace rproxyd
