// A pool of backends as all workers see it: its addresses, which never change while it serves, and
// its BackendPool behind a lock, which is taken when a backend is chosen and when one is found to be
// (un)reachable, never per chunk.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/error.h"
#include "rproxyd/proxy/backend_pool.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

struct BackendAddress {
  std::string name; // "10.40.0.10:443", for logs
  core::SocketAddress address;
  bool tls = true;
  std::string server_name; // for SNI and verification
};

class SharedPool {
 public:
  // Resolves the servers' names, waiting for the resolver: at start-up only.
  static core::Result<std::unique_ptr<SharedPool>> make(const std::string& name,
                                                        const Settings::Pool& settings);

  std::optional<BackendId> choose(const core::IpAddress& client, std::span<const BackendId> tried,
                                  core::TimePoint now);
  // True when this is news.
  bool unreachable(BackendId backend, core::TimePoint now);
  bool reachable(BackendId backend, core::TimePoint now);
  void exchange_begun(BackendId backend);
  void exchange_ended(BackendId backend);

  const BackendAddress& address(BackendId backend) const {
    return addresses_[static_cast<std::size_t>(backend)];
  }
  std::size_t size() const { return addresses_.size(); }
  const Settings::BackendTls& tls() const { return tls_; }

 private:
  SharedPool(std::vector<BackendAddress> addresses, const Settings::Pool& settings);

  const std::vector<BackendAddress> addresses_;
  const Settings::BackendTls tls_;
  std::mutex mutex_;
  BackendPool pool_;
};

} // namespace rproxyd
