#include "libcore/dns/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

namespace dns {
namespace {

using Clock = std::chrono::steady_clock;

core::Result<void> library_ready() {
  static std::once_flag once;
  static int status = ARES_SUCCESS;
  std::call_once(once, [] { status = ares_library_init(ARES_LIB_INIT_ALL); });
  if (status != ARES_SUCCESS) return core::failure(ares_strerror(status));
  return {};
}

std::string joined(const std::vector<std::string>& servers) {
  return fmt::format("{}", fmt::join(servers, ","));
}

struct AddressAnswer {
  std::optional<int> status;
  Addresses found;
};

void take_addresses(void* context, int status, int /*timeouts*/, ares_addrinfo* result) {
  auto& answer = *static_cast<AddressAnswer*>(context);
  answer.status = status;
  const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> owned(result, &ares_freeaddrinfo);
  if (status != ARES_SUCCESS) return;
  std::optional<int> shortest;
  for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
    const auto address = core::SocketAddress::from_kernel(node->ai_addr, node->ai_addrlen);
    if (!address || answer.found.list.size() >= Resolver::kMaxAnswers) continue;
    if (std::ranges::find(answer.found.list, address->ip()) == answer.found.list.end()) {
      answer.found.list.push_back(address->ip());
    }
    shortest = std::min(shortest.value_or(node->ai_ttl), node->ai_ttl);
  }
  answer.found.lifetime = std::chrono::seconds(std::max(shortest.value_or(0), 0));
}

struct ServiceAnswer {
  std::optional<int> status;
  std::vector<ServiceHost> found;
};

void take_services(void* context, int status, int /*timeouts*/, unsigned char* bytes, int size) {
  auto& answer = *static_cast<ServiceAnswer*>(context);
  answer.status = status;
  if (status != ARES_SUCCESS) return;
  ares_srv_reply* list = nullptr;
  answer.status = ares_parse_srv_reply(bytes, size, &list);
  const std::unique_ptr<ares_srv_reply, void (*)(void*)> owned(list, &ares_free_data);
  if (*answer.status != ARES_SUCCESS) return;
  for (const ares_srv_reply* each = list; each != nullptr; each = each->next) {
    if (answer.found.size() >= Resolver::kMaxAnswers) break;
    answer.found.push_back({.target = each->host,
                            .port = each->port,
                            .priority = each->priority,
                            .weight = each->weight});
  }
}

} // namespace

struct Resolver::Channel {
  ares_channel ares = nullptr;
  std::chrono::milliseconds patience{};

  Channel() = default;
  ~Channel() {
    if (ares != nullptr) ares_destroy(ares);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Until `done()`, or patience has ended: then what is under way is broken off.
  template <typename Done>
  void wait(Done done) {
    const auto end = Clock::now() + patience;
    while (!done()) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      if (left.count() <= 0) return ares_cancel(ares); // calls back with ARES_ECANCELLED
      turn(static_cast<int>(left.count()));
    }
  }

  void turn(int longest_ms) const {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const auto wanted =
        static_cast<unsigned>(ares_getsock(ares, sockets.data(), static_cast<int>(sockets.size())));
    std::array<pollfd, ARES_GETSOCK_MAXNUM> polled{};
    nfds_t count = 0;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      const bool reads = ARES_GETSOCK_READABLE(wanted, i);
      const bool writes = ARES_GETSOCK_WRITABLE(wanted, i);
      if (!reads && !writes) continue;
      polled[count++] = {
          .fd = sockets[i],
          .events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)),
          .revents = 0};
    }
    timeval longest{.tv_sec = longest_ms / 1000, .tv_usec = (longest_ms % 1000) * 1000L};
    timeval next{};
    const timeval* until = ares_timeout(ares, &longest, &next);
    const auto wait_ms = static_cast<int>(until->tv_sec * 1000 + (until->tv_usec + 999) / 1000);
    const int ready = ::poll(polled.data(), count, wait_ms);
    if (ready <= 0) return ares_process_fd(ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD); // its timeouts
    for (nfds_t i = 0; i < count; ++i) {
      const bool reads = (polled[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writes = (polled[i].revents & POLLOUT) != 0;
      if (!reads && !writes) continue;
      ares_process_fd(ares, reads ? polled[i].fd : ARES_SOCKET_BAD,
                      writes ? polled[i].fd : ARES_SOCKET_BAD);
    }
  }
};

Resolver::Resolver(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}
Resolver::~Resolver() = default;
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;

core::Result<Resolver> Resolver::make(const std::vector<std::string>& servers,
                                      std::chrono::milliseconds patience) {
  if (const auto ready = library_ready(); !ready) return std::unexpected(ready.error());
  auto channel = std::make_unique<Channel>();
  channel->patience = patience;
  constexpr int kTries = 3;
  ares_options options{};
  options.tries = kTries;
  options.timeout = static_cast<int>(patience.count()) / (2 * kTries); // it backs off
  int status = ares_init_options(&channel->ares, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (status != ARES_SUCCESS) return core::failure(ares_strerror(status));
  if (!servers.empty()) {
    status = ares_set_servers_ports_csv(channel->ares, joined(servers).c_str());
    if (status != ARES_SUCCESS) {
      return core::failure(
          fmt::format("the name servers {}: {}", joined(servers), ares_strerror(status)));
    }
  }
  return Resolver(std::move(channel));
}

core::Result<Addresses> Resolver::addresses(const std::string& name) {
  AddressAnswer answer;
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(channel_->ares, name.c_str(), nullptr, &hints, &take_addresses, &answer);
  channel_->wait([&] { return answer.status.has_value(); });
  const int status = answer.status.value_or(ARES_ECANCELLED);
  if (status != ARES_SUCCESS) {
    return core::failure(fmt::format("'{}': {}", name, ares_strerror(status)));
  }
  if (answer.found.list.empty()) return core::failure(fmt::format("'{}' has no address", name));
  return std::move(answer.found);
}

core::Result<std::vector<ServiceHost>> Resolver::services(const std::string& name) {
  ServiceAnswer answer;
  ares_query(channel_->ares, name.c_str(), ns_c_in, ns_t_srv, &take_services, &answer);
  channel_->wait([&] { return answer.status.has_value(); });
  const int status = answer.status.value_or(ARES_ECANCELLED);
  if (status != ARES_SUCCESS) {
    return core::failure(fmt::format("SRV of '{}': {}", name, ares_strerror(status)));
  }
  if (answer.found.empty()) return core::failure(fmt::format("'{}' has no SRV record", name));
  return std::move(answer.found);
}

} // namespace dns
