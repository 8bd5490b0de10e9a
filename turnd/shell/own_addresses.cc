#include "turnd/shell/own_addresses.h"

#include <ifaddrs.h>

#include <memory>

namespace turnd {
namespace {

std::vector<core::IpAddress> interface_addresses(core::Family family) {
  std::vector<core::IpAddress> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(list, freeifaddrs);
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    const auto address =
        core::SocketAddress::from_kernel(i->ifa_addr, core::SocketAddress::kCapacity);
    if (address && address->family() == family) found.push_back(address->ip());
  }
  return found;
}

} // namespace

std::vector<core::SocketAddress> own_addresses(
    const std::vector<core::SocketAddress>& listeners,
    const std::map<core::IpAddress, core::IpAddress>& external) {
  std::vector<core::SocketAddress> all;
  for (const core::SocketAddress& listener : listeners) {
    std::vector<core::IpAddress> ips{listener.ip()};
    if (listener.ip().is_unspecified()) ips = interface_addresses(listener.family());
    for (const core::IpAddress& ip : ips) {
      all.emplace_back(ip, listener.port());
      const auto outside = external.find(ip);
      if (outside != external.end()) all.emplace_back(outside->second, listener.port());
    }
  }
  return all;
}

} // namespace turnd
