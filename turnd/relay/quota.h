// How many allocations there may be, in all and for one user, and how much a user's may relay
// together. A ticket gives its place back when it goes, so no path can forget to.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "turnd/relay/shared_bandwidth.h"

namespace turnd {

enum class QuotaRefusal : std::uint8_t { user_full, server_full };

// What the server asks. The workers of a process share one, whose take() and give_back() may then be
// called by any of their threads.
class Quota {
 public:
  class Ticket;
  std::expected<Ticket, QuotaRefusal> ticket(std::string_view user);
  // For what is there already, however full it is.
  Ticket ticket_beyond_limits(std::string_view user);

  // Lives as long as there is a ticket for it, and never moves.
  struct User {
    explicit User(std::uint64_t bytes_per_second)
        : bandwidth(std::make_shared<SharedBandwidth>(bytes_per_second)) {}
    std::string_view name;
    std::uint64_t allocations = 0;
    std::shared_ptr<SharedBandwidth> bandwidth; // tunnels may outlive the last ticket by a moment
  };

  // Tickets that are out: allocations, and those that are coming.
  virtual std::uint64_t taken() const = 0;

 protected:
  virtual std::expected<User*, QuotaRefusal> take(std::string_view user) = 0;
  virtual User& take_beyond_limits(std::string_view user) = 0;
  virtual void give_back(User& user) = 0;
  ~Quota() = default;
};

class Quota::Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& other) noexcept
      : quota_(std::exchange(other.quota_, nullptr)), user_(std::exchange(other.user_, nullptr)) {}
  Ticket& operator=(Ticket&& other) noexcept {
    std::swap(quota_, other.quota_);
    std::swap(user_, other.user_);
    return *this;
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    if (quota_ != nullptr) quota_->give_back(*user_);
  }

  // Of a ticket that was given.
  bool admit(std::size_t bytes, core::TimePoint now) { return user_->bandwidth->admit(bytes, now); }
  std::shared_ptr<SharedBandwidth> bandwidth() const { return user_->bandwidth; }
  std::string_view user() const { return user_->name; }

 private:
  friend class Quota;
  Ticket(Quota& quota, User& user) : quota_(&quota), user_(&user) {}

  Quota* quota_ = nullptr;
  User* user_ = nullptr;
};

inline std::expected<Quota::Ticket, QuotaRefusal> Quota::ticket(std::string_view user) {
  const auto taken = take(user);
  if (!taken) return std::unexpected(taken.error());
  return Ticket(*this, **taken);
}

inline Quota::Ticket Quota::ticket_beyond_limits(std::string_view user) {
  return Ticket(*this, take_beyond_limits(user));
}

struct QuotaLimits {
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t in_all = kNone;
  std::uint64_t per_user = kNone;
  std::uint64_t bandwidth_per_user = kNone; // bytes per second
};

// The counting itself, for one thread at a time.
class QuotaTable final : public Quota {
 public:
  static constexpr std::uint64_t kNoLimit = QuotaLimits::kNone;

  explicit QuotaTable(const QuotaLimits& limits) : limits_(limits) {}
  ~QuotaTable() = default;

  std::expected<User*, QuotaRefusal> take(std::string_view user) override;
  User& take_beyond_limits(std::string_view user) override;
  void give_back(User& user) override;
  // Allocations over the new limits stay; users get the new bandwidth at once.
  void set_limits(const QuotaLimits& limits);
  std::uint64_t taken() const override { return taken_; }

 private:
  QuotaLimits limits_;
  std::uint64_t taken_ = 0;
  std::unordered_map<std::string, User> by_user_; // users with at least one
};

} // namespace turnd
