// Error answers, by the request's method and the answer's code.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "libcore/stun/attributes.h"
#include "libcore/stun/message.h"

namespace turnd {

inline constexpr std::array kServedMethods{
    stun::Method::binding,           stun::Method::allocate,     stun::Method::refresh,
    stun::Method::create_permission, stun::Method::channel_bind, stun::Method::connect,
    stun::Method::connection_bind};
inline constexpr std::size_t kMethods = kServedMethods.size();

// Of one of kServedMethods.
constexpr std::size_t index_of(stun::Method method) {
  return static_cast<std::size_t>(std::ranges::find(kServedMethods, method) -
                                  kServedMethods.begin());
}
std::string_view name_of(stun::Method method);

class Refusals {
 public:
  static constexpr std::array kErrorCodes{stun::ErrorCode::try_alternate,
                                          stun::ErrorCode::bad_request,
                                          stun::ErrorCode::unauthenticated,
                                          stun::ErrorCode::forbidden,
                                          stun::ErrorCode::mobility_forbidden,
                                          stun::ErrorCode::unknown_attribute,
                                          stun::ErrorCode::allocation_mismatch,
                                          stun::ErrorCode::stale_nonce,
                                          stun::ErrorCode::address_family_not_supported,
                                          stun::ErrorCode::wrong_credentials,
                                          stun::ErrorCode::unsupported_transport,
                                          stun::ErrorCode::peer_address_family_mismatch,
                                          stun::ErrorCode::connection_already_exists,
                                          stun::ErrorCode::connection_timeout_or_failure,
                                          stun::ErrorCode::allocation_quota_reached,
                                          stun::ErrorCode::server_error,
                                          stun::ErrorCode::insufficient_capacity};

  void count(stun::Method method, stun::ErrorCode code) {
    const std::size_t row = turnd::index_of(method);
    const std::size_t column = index_of(code);
    if (row < kMethods && column < kErrorCodes.size()) ++counts_[row][column];
  }
  std::uint64_t of(stun::Method method, stun::ErrorCode code) const {
    return counts_[turnd::index_of(method)][index_of(code)];
  }
  std::uint64_t of(stun::ErrorCode code) const {
    std::uint64_t sum = 0;
    for (const auto& row : counts_) sum += row[index_of(code)];
    return sum;
  }
  Refusals& operator+=(const Refusals& other) {
    for (std::size_t row = 0; row < kMethods; ++row) {
      for (std::size_t i = 0; i < kErrorCodes.size(); ++i) counts_[row][i] += other.counts_[row][i];
    }
    return *this;
  }

 private:
  static constexpr std::size_t index_of(stun::ErrorCode code) {
    return static_cast<std::size_t>(std::ranges::find(kErrorCodes, code) - kErrorCodes.begin());
  }

  std::array<std::array<std::uint64_t, kErrorCodes.size()>, kMethods> counts_{};
};

} // namespace turnd
