// Keeps the pools' backends true to what their servers' names mean: looks names and services up at
// the start and again when their answers have aged, on a thread of its own. An answer that doesn't
// come changes nothing: the addresses that were found last stay in use.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
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

  // Gives the pools their backends. Servers that are addresses need no resolver. `log` must outlive
  // the watch.
  static core::Result<std::unique_ptr<NameWatch>> begin(
      const Settings::Dns& settings, const std::vector<std::shared_ptr<SharedPool>>& pools,
      logging::Logger& log);
  ~NameWatch(); // ends the thread

  // From now on the pool has these servers; their names are looked up before it returns. From any
  // thread but the watch's own.
  void follow(const std::string& pool, const std::vector<Settings::Server>& servers);

  NameWatch(const NameWatch&) = delete;
  NameWatch& operator=(const NameWatch&) = delete;

 private:
  struct Server { // of a pool: what it last meant
    Settings::Server settings;
    std::vector<WantedBackend> backends;
    bool failed = false; // the last look-up
  };
  struct Pool {
    std::shared_ptr<SharedPool> shared;
    std::vector<Server> servers;
    bool has_names = false;
    core::TimePoint next_look{};
  };

  NameWatch(const Settings::Dns& settings, logging::Logger& log) : settings_(settings), log_(log) {}
  static std::vector<Server> servers_of(const SharedPool& pool,
                                        const std::vector<Settings::Server>& servers);
  core::Result<void> prepare(); // a resolver and a thread, where names have to be looked up
  void look(Pool& pool);
  core::Result<std::vector<WantedBackend>> found(const SharedPool& pool,
                                                 const Settings::Server& server,
                                                 std::chrono::seconds& lifetime);
  static core::Result<std::vector<WantedBackend>> found_service(dns::Resolver& resolver,
                                                                const SharedPool& pool,
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
  bool end_ = false;     // under mutex_
  bool changed_ = false; // under mutex_: the next look may be sooner
  std::thread thread_;
};

} // namespace rproxyd
