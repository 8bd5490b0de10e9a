#include "libcore/admin/http_server.h"

#include <algorithm>
#include <string>
#include <utility>

namespace admin {

class HttpServer::Connection final : public event::Retirable,
                                     private event::StreamEvents,
                                     private event::DeadlineHandler {
 public:
  Connection(HttpServer& server, event::Fd fd, const core::SocketAddress& peer)
      : server_(server), visitor_{.address = peer} {
    stream_ =
        event::Stream::accepted(server.loop_, server.buffers_, std::move(fd), *this, server.tls_);
    if (stream_) server.loop_.set_after(deadline_, kRequestTime);
  }

  bool usable() const { return stream_ != nullptr; }
  void end() {
    server_.loop_.cancel(deadline_);
    stream_->close();
    server_.remove(*this);
  }

 private:
  void on_stream_open() override { visitor_.certified = stream_->tls()->client_is_certified(); }

  void on_stream_data(core::MutableBytes bytes) override {
    if (answered_) return; // what still comes is of no interest
    switch (reader_.feed(bytes)) {
      case RequestReader::State::incomplete:
        return;
      case RequestReader::State::refused:
        return answer(plain(reader_.refused_with(), "this request can't be read"), true);
      case RequestReader::State::complete:
        return answer(server_.handler_(reader_.request(), visitor_, server_.loop_.now()),
                      reader_.request().method != "HEAD");
    }
  }

  // The client ends the connection: a close before it has read all would be a reset, which can
  // overtake the answer.
  void answer(const HttpAnswer& answer, bool with_body) {
    answered_ = true;
    const std::string bytes = to_bytes(answer, with_body);
    stream_->write(core::bytes_of(bytes));
    stream_->shut_down();
    server_.loop_.set_after(deadline_, kAnswerTime);
  }

  void on_stream_drained() override {
    if (client_ended_ && stream_->fully_sent()) end();
  }

  void on_stream_end(event::StreamEnd how, std::string_view) override {
    client_ended_ = true;
    if (how != event::StreamEnd::clean || !answered_ || stream_->fully_sent()) end();
  }

  void on_deadline(int) override { end(); }

  HttpServer& server_;
  Visitor visitor_;
  std::unique_ptr<event::Stream> stream_;
  RequestReader reader_;
  bool answered_ = false;
  bool client_ended_ = false;
  core::Deadline deadline_{static_cast<event::DeadlineHandler*>(this)};
};

HttpServer::HttpServer(event::Loop& loop, event::Fd socket,
                       std::shared_ptr<const tls::ServerContext> tls, Handler handler)
    : loop_(loop),
      tls_(std::move(tls)),
      handler_(std::move(handler)),
      acceptor_(
          std::in_place, loop, std::move(socket),
          [this](event::Fd fd, const core::SocketAddress& peer) { accepted(std::move(fd), peer); },
          [](int) {}) {}

HttpServer::~HttpServer() = default;

void HttpServer::stop_accepting() { acceptor_.reset(); }

void HttpServer::accepted(event::Fd fd, const core::SocketAddress& peer) {
  if (connections_.size() == kMaxConnections) connections_.front()->end();
  auto connection = std::make_unique<Connection>(*this, std::move(fd), peer);
  if (connection->usable()) connections_.push_back(std::move(connection));
}

void HttpServer::remove(const Connection& connection) {
  const auto found =
      std::ranges::find(connections_, &connection, &std::unique_ptr<Connection>::get);
  if (found == connections_.end()) return;
  loop_.retire(std::move(*found));
  connections_.erase(found);
}

} // namespace admin
