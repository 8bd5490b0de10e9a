#include "turnd/settings/changes.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace turnd {
namespace {

struct Subject {
  std::string_view name;
  bool (*is_same)(const Settings& a, const Settings& b);
};

bool same_listeners(const Settings& a, const Settings& b) {
  return std::ranges::equal(a.listeners, b.listeners,
                            [](const Settings::Listener& one, const Settings::Listener& other) {
                              Settings::Listener with_its_certificates = other;
                              with_its_certificates.certificates = one.certificates;
                              return one == with_its_certificates;
                            });
}

// A line goes when the reload applies its subject.
constexpr std::array kSubjects{
    Subject{"workers", [](const Settings& a, const Settings& b) { return a.workers == b.workers; }},
    Subject{"drain_timeout", [](const Settings& a,
                                const Settings& b) { return a.drain_timeout == b.drain_timeout; }},
    Subject{"listeners", same_listeners},
    Subject{"relay", [](const Settings& a, const Settings& b) { return a.relay == b.relay; }},
    Subject{"peers", [](const Settings& a, const Settings& b) { return a.peers == b.peers; }},
    Subject{"clients", [](const Settings& a, const Settings& b) { return a.clients == b.clients; }},
    Subject{"limits", [](const Settings& a, const Settings& b) { return a.limits == b.limits; }},
    Subject{"alternate",
            [](const Settings& a, const Settings& b) { return a.alternate == b.alternate; }},
    Subject{"log", [](const Settings& a, const Settings& b) { return a.log == b.log; }},
    Subject{"admin", [](const Settings& a, const Settings& b) { return a.admin == b.admin; }},
};

} // namespace

std::vector<std::string> changes_for_a_restart(const Settings& in_force, const Settings& read) {
  std::vector<std::string> names;
  for (const Subject& subject : kSubjects) {
    if (!subject.is_same(in_force, read)) names.emplace_back(subject.name);
  }
  return names;
}

} // namespace turnd
