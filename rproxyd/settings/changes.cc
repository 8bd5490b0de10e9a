#include "rproxyd/settings/changes.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace rproxyd {
namespace {

struct Subject {
  std::string_view name;
  bool (*is_same)(const Settings& a, const Settings& b);
};

bool same_listeners(const Settings& a, const Settings& b) {
  return std::ranges::equal(a.listeners, b.listeners,
                            [](const Settings::Listener& one, const Settings::Listener& other) {
                              Settings::Listener with_its_certificates = other;
                              if (one.tls && other.tls) {
                                with_its_certificates.tls->certificates = one.tls->certificates;
                              }
                              return one == with_its_certificates;
                            });
}

bool same_pools(const Settings& a, const Settings& b) {
  return std::ranges::equal(a.pools, b.pools, [](const auto& one, const auto& other) {
    Settings::Pool with_its_servers = other.second;
    with_its_servers.servers = one.second.servers;
    return one.first == other.first && one.second == with_its_servers;
  });
}

template <auto Member>
bool same(const Settings& a, const Settings& b) {
  return a.*Member == b.*Member;
}

// A line goes when the reload applies its subject.
constexpr std::array kSubjects{
    Subject{"workers", same<&Settings::workers>},
    Subject{"drain_timeout", same<&Settings::drain_timeout>},
    Subject{"listeners", same_listeners},
    Subject{"pools", same_pools},
    Subject{"routes", same<&Settings::routes>},
    Subject{"paths", same<&Settings::paths>},
    Subject{"branding_paths", same<&Settings::branding_paths>},
    Subject{"content_security_policy", same<&Settings::content_security_policy>},
    Subject{"hsts", same<&Settings::hsts>},
    Subject{"server_header", same<&Settings::server_header>},
    Subject{"forwarded", same<&Settings::forwarded>},
    Subject{"error_pages", same<&Settings::error_pages>},
    Subject{"pin_guard", same<&Settings::pin_guard>},
    Subject{"trusted_proxies", same<&Settings::trusted_proxies>},
    Subject{"dns", same<&Settings::dns>},
    Subject{"compression", same<&Settings::compression>},
    Subject{"limits", same<&Settings::limits>},
    Subject{"timeouts", same<&Settings::timeouts>},
    Subject{"log", same<&Settings::log>},
    Subject{"admin", same<&Settings::admin>},
};

} // namespace

std::vector<std::string> changes_for_a_restart(const Settings& in_force, const Settings& read) {
  std::vector<std::string> names;
  for (const Subject& subject : kSubjects) {
    if (!subject.is_same(in_force, read)) names.emplace_back(subject.name);
  }
  return names;
}

} // namespace rproxyd
