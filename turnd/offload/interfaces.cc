#include "turnd/offload/interfaces.h"

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>

namespace turnd {
namespace {

using Addresses = std::unique_ptr<ifaddrs, void (*)(ifaddrs*)>;

core::Result<Addresses> all_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return core::failure("the interfaces' addresses can't be read");
  return Addresses(list, freeifaddrs);
}

// Of a link-layer address among those of getifaddrs(3).
std::optional<OffloadInterface> ethernet_of(const ifaddrs& entry) {
  if (entry.ifa_addr == nullptr || entry.ifa_addr->sa_family != AF_PACKET) return std::nullopt;
  const auto* link = reinterpret_cast<const sockaddr_ll*>(entry.ifa_addr);
  if (link->sll_hatype != ARPHRD_ETHER || link->sll_halen != kOffloadMacBytes) return std::nullopt;
  OffloadInterface interface{
      .name = entry.ifa_name, .index = static_cast<std::uint32_t>(link->sll_ifindex), .mac = {}};
  std::copy_n(link->sll_addr, kOffloadMacBytes, interface.mac.begin());
  return interface;
}

std::optional<OffloadInterface> ethernet_named(const ifaddrs* list, const std::string& name) {
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (name != i->ifa_name) continue;
    if (auto interface = ethernet_of(*i)) return interface;
  }
  return std::nullopt;
}

bool stands_for(const core::IpAddress& wanted, const core::IpAddress& address) {
  return wanted == address || (wanted.is_unspecified() && wanted.family == address.family);
}

constexpr const char* kIpv4Forwarding = "/proc/sys/net/ipv4/conf/lo/forwarding";
constexpr const char* kIpv6Forwarding = "/proc/sys/net/ipv6/conf/lo/forwarding";

core::Result<void> switch_on(const char* path) {
  std::string value;
  if (!(std::ifstream(path) >> value) || value != "0") return {}; // a family that isn't there
  std::ofstream file(path);
  if (!(file << "1\n") || !file.flush()) {
    return core::failure(std::string(path) +
                         " is 0 and can't be changed; routes can't be looked up");
  }
  return {};
}

} // namespace

core::Result<std::vector<OffloadInterface>> interfaces_named(std::span<const std::string> names) {
  const auto list = all_addresses();
  if (!list) return std::unexpected(list.error());
  std::vector<OffloadInterface> found;
  for (const std::string& name : names) {
    auto interface = ethernet_named(list->get(), name);
    if (!interface) return core::failure("there is no Ethernet interface " + name);
    found.push_back(*std::move(interface));
  }
  return found;
}

core::Result<std::vector<OffloadInterface>> interfaces_with(
    std::span<const core::IpAddress> addresses) {
  const auto list = all_addresses();
  if (!list) return std::unexpected(list.error());
  std::vector<OffloadInterface> found;
  for (const ifaddrs* i = list->get(); i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || (i->ifa_flags & IFF_LOOPBACK) != 0) continue;
    const auto address =
        core::SocketAddress::from_kernel(i->ifa_addr, core::SocketAddress::kCapacity);
    if (!address) continue;
    const bool wanted = std::ranges::any_of(
        addresses, [&](const core::IpAddress& each) { return stands_for(each, address->ip()); });
    const bool known =
        std::ranges::find(found, i->ifa_name, &OffloadInterface::name) != found.end();
    if (!wanted || known) continue;
    if (auto interface = ethernet_named(list->get(), i->ifa_name)) {
      found.push_back(*std::move(interface));
    }
  }
  if (found.empty()) return core::failure("no Ethernet interface has an address of the server's");
  return found;
}

bool has_driver(const OffloadInterface& interface) {
  return ::access(("/sys/class/net/" + interface.name + "/device").c_str(), F_OK) == 0;
}

core::Result<void> allow_route_lookups() {
  if (auto ipv4 = switch_on(kIpv4Forwarding); !ipv4) return ipv4;
  return switch_on(kIpv6Forwarding);
}

} // namespace turnd
