// How many allocations there may be, in all and for one user. A ticket gives its place back when
// it goes, so no path can forget to.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace turnd {

enum class QuotaRefusal : std::uint8_t { user_full, server_full };

// What the server asks. The workers of a process share one, whose take() and give_back() may then be
// called by any of their threads.
class Quota {
 public:
  class Ticket;
  std::expected<Ticket, QuotaRefusal> ticket(std::string_view user);

 protected:
  virtual std::expected<void, QuotaRefusal> take(const std::string& user) = 0;
  virtual void give_back(const std::string& user) = 0;
  ~Quota() = default;
};

class Quota::Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& other) noexcept
      : quota_(std::exchange(other.quota_, nullptr)), user_(std::move(other.user_)) {}
  Ticket& operator=(Ticket&& other) noexcept {
    std::swap(quota_, other.quota_);
    std::swap(user_, other.user_);
    return *this;
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    if (quota_ != nullptr) quota_->give_back(user_);
  }

 private:
  friend class Quota;
  Ticket(Quota& quota, std::string user) : quota_(&quota), user_(std::move(user)) {}

  Quota* quota_ = nullptr;
  std::string user_;
};

inline std::expected<Quota::Ticket, QuotaRefusal> Quota::ticket(std::string_view user) {
  std::string name(user);
  if (const auto taken = take(name); !taken) return std::unexpected(taken.error());
  return Ticket(*this, std::move(name));
}

// The counting itself, for one thread at a time.
class QuotaTable final : public Quota {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  QuotaTable(std::uint64_t in_all, std::uint64_t per_user) : in_all_(in_all), per_user_(per_user) {}
  ~QuotaTable() = default;

  std::expected<void, QuotaRefusal> take(const std::string& user) override;
  void give_back(const std::string& user) override;
  std::uint64_t taken() const { return taken_; }

 private:
  std::uint64_t in_all_;
  std::uint64_t per_user_;
  std::uint64_t taken_ = 0;
  std::unordered_map<std::string, std::uint64_t> by_user_; // users with at least one
};

} // namespace turnd
