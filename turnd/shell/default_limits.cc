#include "turnd/shell/default_limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace turnd {
namespace {

bool is_connected(const Settings::Listener& listener) {
  return listener.transport == Settings::Transport::tcp ||
         listener.transport == Settings::Transport::tls;
}

// As many as there are relay ports, and descriptors: one for the relay socket, and where clients
// connect another one.
std::uint64_t allocations_by_default(const Settings& settings, std::uint64_t descriptors) {
  const std::uint64_t ports = settings.relay.last_port - settings.relay.first_port + 1U;
  const bool connections = std::ranges::any_of(settings.listeners, is_connected);
  const std::uint64_t left = descriptors - std::min(descriptors, kDescriptorsOfOurOwn);
  return std::min(ports * settings.relay.addresses.size(), left / (connections ? 2 : 1));
}

// One of several users can't keep the others out.
std::uint64_t per_user_by_default(const Settings& settings, std::uint64_t in_all) {
  const Settings::Credentials& who = settings.credentials;
  const bool alone = who.users.size() == 1 && !who.users_file && who.shared_secrets.empty();
  return alone ? in_all : std::max(in_all / 2, std::uint64_t{1});
}

} // namespace

QuotaLimits quota_limits(const Settings& settings, std::uint64_t descriptors) {
  const Settings::Limits& written = settings.limits;
  const std::uint64_t by_default = allocations_by_default(settings, descriptors);
  const std::uint64_t in_all = written.allocations.value_or(by_default);
  return {.in_all = in_all,
          .per_user = written.allocations_per_user.value_or(
              per_user_by_default(settings, std::min(in_all, by_default))),
          .bandwidth_per_user = written.bandwidth_per_user};
}

std::uint64_t allowed_descriptors() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

} // namespace turnd
