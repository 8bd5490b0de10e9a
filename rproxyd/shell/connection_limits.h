// How many client connections there are, in all and of one client, over all workers
// (contract: limits.connections, limits.connections_per_client).
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "libcore/base/address.h"

namespace rproxyd {

class ConnectionLimits {
 public:
  static constexpr std::string_view kInAll = "limits.connections";
  static constexpr std::string_view kPerClient = "limits.connections_per_client";

  // config::kNoLimit: none.
  ConnectionLimits(std::uint64_t in_all, std::uint64_t per_client) { set(in_all, per_client); }

  // For the connections that come from now on: those that there are stay, even if they are more.
  void set(std::uint64_t in_all, std::uint64_t per_client) {
    in_all_ = in_all;
    per_client_ = per_client;
  }

  // Gives its place back when it goes.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept
        : limits_(std::exchange(other.limits_, nullptr)),
          client_(other.client_),
          counted_(other.counted_) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(limits_, other.limits_);
      std::swap(client_, other.client_);
      std::swap(counted_, other.counted_);
      return *this;
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() {
      if (limits_ != nullptr) limits_->give_back(client_, counted_);
    }

   private:
    friend class ConnectionLimits;
    Ticket(ConnectionLimits& limits, const core::IpAddress& client, bool counted)
        : limits_(&limits), client_(client), counted_(counted) {}
    ConnectionLimits* limits_ = nullptr;
    core::IpAddress client_;
    bool counted_ = false; // for its client
  };

  // The error names the limit that is reached. `shared`: the address is a proxy's that many clients
  // stand behind, and has no limit of its own. An IPv6 client is its /64. From any thread.
  std::expected<Ticket, std::string_view> admit(const core::IpAddress& client, bool shared);
  std::uint64_t connections() const { return connections_; }

 private:
  void give_back(const core::IpAddress& client, bool counted);

  std::atomic<std::uint64_t> in_all_;
  std::atomic<std::uint64_t> per_client_;
  std::atomic<std::uint64_t> connections_ = 0;
  std::mutex mutex_;
  std::unordered_map<core::IpAddress, std::uint64_t> by_client_; // of those that have one
};

} // namespace rproxyd
