#include "libcore/redis/connection.h"

#include <string.h>

#include <array>
#include <utility>

#include "libcore/event/socket.h"
#include "libcore/resp/command.h"

namespace redis {

Connection::~Connection() {
  *alive_ = false;
  close();
}

core::Result<void> Connection::open(const Server& server, const core::SocketAddress& address) {
  close();
  server_ = server;
  auto fd = event::connect_tcp(address);
  if (!fd) return core::failure(fd.error().text);
  bssl::UniquePtr<SSL> ssl;
  if (tls_ != nullptr) {
    ssl = tls_->connect(address.to_string(), server.host);
    if (!ssl) return core::failure("no TLS session can be made");
  }
  reader_ = std::make_unique<resp::Reader>();
  stream_ = event::Stream::connecting(loop_, buffers_, std::move(*fd), *this, std::move(ssl));
  if (!stream_) return core::failure("the connection can't be watched");
  return {};
}

bool Connection::send(std::span<const std::string> words) {
  if (!ready_ || !stream_ || stream_->pending() > kMaxPending) return false;
  std::string bytes;
  resp::append_command(bytes, words);
  stream_->write(core::bytes_of(bytes));
  return true;
}

void Connection::close() {
  ready_ = false;
  if (!stream_) return;
  stream_->close();
  loop_.retire(std::exchange(stream_, nullptr));
}

void Connection::greet(std::span<const std::string_view> words) {
  std::string bytes;
  resp::append_command(bytes, words);
  stream_->write(core::bytes_of(bytes));
  explicit_bzero(bytes.data(), bytes.size()); // a password, perhaps
  ++greetings_;
}

void Connection::on_stream_open() {
  greetings_ = 0;
  using Words = std::initializer_list<std::string_view>;
  const auto say = [this](Words words) { greet(std::span(words.begin(), words.size())); };
  if (!server_.password.empty()) {
    if (server_.user.empty()) {
      say({"AUTH", server_.password.reveal()});
    } else {
      say({"AUTH", server_.user, server_.password.reveal()});
    }
  }
  // Also without a database: the answer says that commands are taken.
  say({"SELECT", std::to_string(server_.database)});
}

void Connection::on_stream_data(core::MutableBytes bytes) {
  if (!reader_->feed(bytes)) return end("an answer is longer than any should be");
  const auto alive = alive_;
  const event::Stream* const stream = stream_.get();
  for (;;) {
    auto next = reader_->next();
    if (!next) return end("what it sends is no answer: " + next.error());
    std::optional<resp::Value>& answer = *next;
    if (!answer) return;
    if (greetings_ > 0) {
      if (!take_greeting(*answer)) return;
    } else {
      events_.on_redis_answer(*std::move(answer));
    }
    if (!*alive || stream_.get() != stream) return;
  }
}

bool Connection::take_greeting(const resp::Value& answer) {
  if (answer.kind == resp::Value::Kind::error) {
    end(answer.text);
    return false;
  }
  if (--greetings_ > 0) return true;
  ready_ = true;
  events_.on_redis_ready();
  return true;
}

void Connection::on_stream_end(event::StreamEnd, std::string_view why) {
  end(why.empty() ? "it has closed the connection" : why);
}

void Connection::end(std::string_view why) {
  const std::string said(why); // may be of the stream
  close();
  events_.on_redis_end(said);
}

} // namespace redis
