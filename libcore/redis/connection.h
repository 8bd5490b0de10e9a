// One connection to a Redis server on a loop, plain or TLS. Commands go out in order, answers come back
// in the same one.
//
//   open() -> on_redis_ready() once the server has taken user, password and database
//          -> send() and on_redis_answer(), one for each
//          -> on_redis_end() at most once, whatever happened: nothing comes after it. It is followed
//             by close(), which may also be called at any other time, and destroys nothing by itself:
//             a connection may be destroyed inside of its own events.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libcore/event/stream.h"
#include "libcore/redis/server.h"
#include "libcore/resp/reader.h"
#include "libcore/tls/client_context.h"

namespace redis {

class ConnectionEvents {
 public:
  virtual void on_redis_ready() = 0;
  virtual void on_redis_answer(resp::Value answer) = 0;
  virtual void on_redis_end(std::string_view why) = 0;

 protected:
  ~ConnectionEvents() = default;
};

class Connection final : private event::StreamEvents {
 public:
  // Commands that wait for their answer; a server that hangs is given up long before.
  static constexpr std::size_t kMaxPending = std::size_t{8} * 1024 * 1024; // bytes to be sent

  // `tls` is of the same thread, null for a plain one. All three must outlive the connection.
  Connection(event::Loop& loop, event::StreamBuffers& buffers, tls::ClientContext* tls,
             ConnectionEvents& events)
      : loop_(loop), buffers_(buffers), tls_(tls), events_(events) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  core::Result<void> open(const Server& server, const core::SocketAddress& address);
  // False: too much waits already.
  bool send(std::span<const std::string> words);
  void close();
  bool ready() const { return ready_; }

 private:
  void on_stream_open() override;
  void on_stream_data(core::MutableBytes bytes) override;
  void on_stream_drained() override {}
  void on_stream_end(event::StreamEnd end, std::string_view why) override;
  void greet(std::span<const std::string_view> words);
  bool take_greeting(const resp::Value& answer);
  void end(std::string_view why);

  event::Loop& loop_;
  event::StreamBuffers& buffers_;
  tls::ClientContext* const tls_;
  ConnectionEvents& events_;
  Server server_;
  std::unique_ptr<event::Stream> stream_;
  std::unique_ptr<resp::Reader> reader_;
  unsigned greetings_ = 0; // whose answers are to come
  bool ready_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true); // seen by loops over events
};

} // namespace redis
