// The Redis server that the guards of several machines share: a thread with a loop and one connection,
// which it makes anew whenever it is lost. What is said there and what is made of the answers is the
// desk's.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libcore/dns/resolver.h"
#include "libcore/redis/connection.h"

namespace rproxyd {

// Called by the store's thread alone; see FleetReplica.
class FleetDesk {
 public:
  virtual void store_connected(const core::Now& now) = 0;
  virtual std::optional<std::vector<std::string>> store_request(const core::Now& now) = 0;
  // The errors say why the connection is of no use any more.
  virtual core::Result<void> store_answer(const resp::Value& answer, const core::Now& now) = 0;
  virtual core::Result<void> store_tick(const core::Now& now) = 0;
  virtual core::TimePoint store_due() = 0;
  virtual void store_gone(std::string_view why, const core::Now& now) = 0;

 protected:
  ~FleetDesk() = default;
};

class FleetStore final : private redis::ConnectionEvents, private event::DeadlineHandler {
 public:
  static constexpr core::Duration kConnectPatience = std::chrono::seconds(1);
  static constexpr core::Duration kTryAgain = std::chrono::milliseconds(250);
  static constexpr std::chrono::milliseconds kNamePatience{1000};

  // Loads what TLS needs.
  static core::Result<std::unique_ptr<FleetStore>> make(const redis::Server& server);
  ~FleetStore(); // ends the thread
  FleetStore(const FleetStore&) = delete;
  FleetStore& operator=(const FleetStore&) = delete;

  void begin(FleetDesk& desk);
  const redis::Server& server() const { return server_; }
  void poke(); // from any thread: there may be something to send

 private:
  explicit FleetStore(redis::Server server) : server_(std::move(server)) {}
  void connect();
  core::Result<core::SocketAddress> address();
  void lose(std::string_view why);
  void pump();
  void on_redis_ready() override;
  void on_redis_answer(resp::Value answer) override;
  void on_redis_end(std::string_view why) override;
  void on_deadline(int kind) override;
  bool take_script(const resp::Value& answer);

  const redis::Server server_;
  FleetDesk* desk_ = nullptr;
  std::unique_ptr<tls::ClientContext> tls_; // null: plain
  std::unique_ptr<dns::Resolver> resolver_; // null: the server's address is known
  event::Loop loop_;
  event::StreamBuffers buffers_;
  std::unique_ptr<redis::Connection> connection_; // of the thread
  std::string script_; // as the server calls it; empty: it does not have it yet
  std::atomic<bool> poked_ = false;
  enum DeadlineKind { kConnect, kGiveUp, kTurn };
  core::Deadline connect_{static_cast<event::DeadlineHandler*>(this), kConnect};
  core::Deadline give_up_{static_cast<event::DeadlineHandler*>(this), kGiveUp};
  core::Deadline turn_{static_cast<event::DeadlineHandler*>(this), kTurn};
  std::thread thread_; // last: it uses all of the above
};

} // namespace rproxyd
