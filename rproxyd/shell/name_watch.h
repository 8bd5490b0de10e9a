// Keeps the pools' backends true to what their servers' names mean: looks names and services up at
// the start and again when their answers have aged, on a thread of its own. An answer that doesn't
// come changes nothing: the addresses that were found last stay in use.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "libcore/dns/resolver.h"
#include "libcore/log/log.h"
#include "rproxyd/shell/shared_pool.h"

namespace rproxyd {

class NameWatch {
 public:
  // How long the start waits for the answer to one name, and every later look.
  static constexpr std::chrono::milliseconds kPatience{3000};
  static constexpr std::chrono::seconds kSoonest{1}; // however short an answer's life
  static constexpr std::chrono::seconds kAfterFailure{5};

  // Looks all names up; servers that are addresses need no resolver. What `former` knows (null: there is
  // none) is not asked again before its time. `pools` are those of the settings, in their order, and get
  // nothing yet. `log` must outlive the watch.
  static core::Result<std::unique_ptr<NameWatch>> make(
      const Settings& settings, const std::vector<std::shared_ptr<SharedPool>>& pools,
      NameWatch* former, logging::Logger& log);
  ~NameWatch(); // ends the thread

  // Gives the pools their rules and their backends, and watches from now on. The watch before this one
  // must have ended.
  void begin();

  NameWatch(const NameWatch&) = delete;
  NameWatch& operator=(const NameWatch&) = delete;

 private:
  struct Host { // one of those that a server's name means
    Settings::Server server;
    core::SocketAddress address;
    unsigned priority = 0;
  };
  struct Server { // of a pool: what it last meant
    Settings::Server settings;
    std::vector<Host> hosts;
    bool failed = false; // the last look-up
    core::TimePoint next_look{};
    bool has_name() const { return !core::IpAddress::parse(settings.host); }
  };
  struct Pool {
    std::shared_ptr<SharedPool> shared;
    Settings::Pool settings;
    std::vector<Server> servers;
    bool has_names() const { return std::ranges::any_of(servers, &Server::has_name); }
  };

  NameWatch(Settings::Dns settings, logging::Logger& log)
      : settings_(std::move(settings)), log_(log) {}
  void take_over(NameWatch& former);
  bool has_names() const { return std::ranges::any_of(pools_, &Pool::has_names); }
  void look(Pool& pool, core::TimePoint now); // at what is due
  void set(const Pool& pool, core::TimePoint now) const;
  core::Result<std::vector<Host>> found(const Settings::Server& server,
                                        std::chrono::seconds& lifetime);
  static core::Result<std::vector<Host>> found_service(dns::Resolver& resolver,
                                                       const Settings::Server& server,
                                                       std::chrono::seconds& lifetime);
  void run();

  const Settings::Dns settings_;
  logging::Logger& log_;
  std::optional<dns::Resolver> resolver_;
  std::mutex looking_; // held during a look, over resolver_ and pools_
  std::vector<Pool> pools_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false; // under mutex_
  std::thread thread_;
};

} // namespace rproxyd
