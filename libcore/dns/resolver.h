// Names to addresses and services, by c-ares, with /etc/hosts and the system's name servers or others.
// Calls wait for their answer: for threads that have nothing else to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/error.h"

namespace dns {

struct Addresses {
  std::vector<core::IpAddress> list; // at least one, each once, in the order of the answer
  std::chrono::seconds lifetime{};   // the shortest TTL; 0 when unknown (/etc/hosts)
};

// RFC 2782.
struct ServiceHost {
  std::string target;
  std::uint16_t port = 0;
  std::uint16_t priority = 0; // lower ones first
  std::uint16_t weight = 0;
};

class Resolver {
 public:
  // A name that answers with more is cut off there: nobody needs them.
  static constexpr std::size_t kMaxAnswers = 256;

  // `servers` as "192.0.2.1" or "192.0.2.1:5353"; empty: the system's. `patience`: the longest that
  // one call takes.
  static core::Result<Resolver> make(const std::vector<std::string>& servers,
                                     std::chrono::milliseconds patience);
  ~Resolver();
  Resolver(Resolver&&) noexcept;
  Resolver& operator=(Resolver&&) noexcept;

  core::Result<Addresses> addresses(const std::string& name);
  core::Result<std::vector<ServiceHost>> services(const std::string& name);

 private:
  struct Channel;
  explicit Resolver(std::unique_ptr<Channel> channel);
  std::unique_ptr<Channel> channel_;
};

} // namespace dns
