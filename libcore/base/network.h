// CIDR networks and lists of them (access lists, trusted proxies, guard exceptions).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/address.h"

namespace core {

// "10.40.0.0/24", "2001:db8::/32", a single address, or "any" (both families).
class Network {
 public:
  static std::optional<Network> parse(std::string_view text);
  static Network any();

  bool contains(const IpAddress& ip) const;   // families never match each other
  unsigned prefix() const { return prefix_; } // 0 for "any"
  std::string to_string() const;

  friend bool operator==(const Network&, const Network&) = default;

 private:
  IpAddress base_;
  unsigned prefix_ = 32; // of 0.0.0.0: one that was never parsed contains next to nothing
  bool any_ = false;
};

class NetworkList {
 public:
  NetworkList() = default;
  explicit NetworkList(std::vector<Network> networks) : networks_(std::move(networks)) {}
  bool contains(const IpAddress& ip) const;
  // The prefix length of the most specific network that contains the address.
  std::optional<unsigned> longest_prefix(const IpAddress& ip) const;
  bool empty() const { return networks_.empty(); }
  const std::vector<Network>& all() const { return networks_; }

  friend bool operator==(const NetworkList&, const NetworkList&) = default; // in the same order

 private:
  std::vector<Network> networks_;
};

} // namespace core
