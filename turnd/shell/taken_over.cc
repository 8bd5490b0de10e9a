#include "turnd/shell/taken_over.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "libcore/event/socket.h"
#include "turnd/relay/take_over_format.h"

namespace turnd {
namespace {

Settings::Transport transport_of(const LinkState& link) {
  switch (link.five_tuple.transport) {
    case Transport::udp:
      return Settings::Transport::udp;
    case Transport::tcp:
      return Settings::Transport::tcp;
    case Transport::tls:
      return Settings::Transport::tls;
    case Transport::dtls:
      return Settings::Transport::dtls;
  }
  return Settings::Transport::udp;
}

bool is_of(const LinkState& link, const Settings::Listener& listener) {
  return transport_of(link) == listener.transport && link.configured == listener.address;
}

core::Result<TakeOverBytes> content_of(int file, std::size_t size) {
  if (size > kMaxTakeOverBytes) return core::failure("the running turnd has too much to give");
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = ::pread(file, bytes.data() + at, size - at, static_cast<off_t>(at));
    if (got <= 0) return core::failure("what the running turnd gives can't be read");
    at += static_cast<std::size_t>(got);
  }
  return TakeOverBytes(std::move(bytes));
}

} // namespace

core::Result<TakenOver> TakenOver::begin(const Settings& settings, Offload& offload) {
  if (!settings.admin.socket) {
    return core::failure("to take over from a running turnd, admin.socket must name its socket");
  }
  auto taking = take_over::Taking::begin(*settings.admin.socket, "turnd");
  if (!taking) return std::unexpected(taking.error());
  TakenOver taken(settings, *std::move(taking));
  auto offered = taken.taking_.offer([&](take_over::Message& message) -> core::Result<void> {
    if (message.state.is_object() && message.state.contains("admin")) {
      if (!message.descriptors.empty()) taken.admin_ = std::move(message.descriptors.front());
      return {};
    }
    if (Offload::is_offer(message)) {
      offload.adopt(message);
      return {};
    }
    auto portion = read(message);
    if (!portion) return std::unexpected(portion.error());
    taken.offered_ = std::move(portion->state);
    taken.sockets_ = std::move(portion->sockets);
    return taken.check_offer();
  });
  if (!offered) return std::unexpected(offered.error());
  return taken;
}

core::Result<TakenOver::Portion> TakenOver::read(take_over::Message& message) {
  const auto size = message.state.is_object() ? message.state.find("turnd") : message.state.end();
  if (size == message.state.end() || !size->is_number_unsigned() || message.descriptors.empty()) {
    return core::failure("the running turnd gives what this one doesn't know");
  }
  const auto bytes = content_of(message.descriptors.front().get(), *size);
  if (!bytes) return std::unexpected(bytes.error());
  auto state = decode(bytes->bytes());
  if (!state) return core::failure(std::string(text_of(state.error())));
  message.descriptors.erase(message.descriptors.begin());
  if (descriptors(*state) != message.descriptors.size()) {
    return core::failure("the running turnd gives other sockets than it says");
  }
  return Portion{.state = *std::move(state), .sockets = std::move(message.descriptors)};
}

core::Result<void> TakenOver::check_offer() const {
  for (const LinkState& link : offered_.links) {
    const bool known = std::ranges::any_of(
        settings_->listeners, [&](const Settings::Listener& each) { return is_of(link, each); });
    if (known) continue;
    return core::failure(fmt::format(
        "the running turnd listens on {} {}, and this configuration doesn't: let a reload (SIGHUP) "
        "change listeners, before or after the take-over",
        name_of(transport_of(link)), link.configured.to_string()));
  }
  return {};
}

std::vector<Listeners::Inherited> TakenOver::take_listeners() {
  std::vector<Listeners::Inherited> all;
  for (std::size_t i = 0; i < offered_.links.size(); ++i) {
    const LinkState& link = offered_.links[i];
    all.push_back({.transport = transport_of(link),
                   .configured = link.configured,
                   .link = static_cast<LinkNumber>(i),
                   .socket = std::move(sockets_[i])});
  }
  return all;
}

// One that listens elsewhere is of no use.
event::Fd TakenOver::take_admin(const std::optional<core::SocketAddress>& configured) {
  if (!admin_ || !configured) return {};
  const core::SocketAddress bound = event::local_address(admin_.get());
  const bool same = bound.ip() == configured->ip() &&
                    (configured->port() == 0 || bound.port() == configured->port());
  return same ? std::move(admin_) : event::Fd();
}

core::Result<void> TakenOver::finish(const std::vector<std::unique_ptr<Worker>>& workers,
                                     const std::map<LinkNumber, std::size_t>& dealt,
                                     Offload& offload, logging::Logger& log) {
  auto got = taking_.remainder([&](take_over::Message& message) -> core::Result<void> {
    auto portion = read(message);
    if (!portion) return std::unexpected(portion.error());
    return give_to(workers, dealt, *std::move(portion));
  });
  if (!got && !taking_.predecessor_died()) return got;
  if (!got) {
    log.warning("take_over.alone", "the running turnd has ended before it had given all",
                logging::field("reason", got.error().text));
  }
  offload.go_on(workers, log);
  if (auto serves = taking_.serve(); !serves) return serves;
  offload.end_others();
  return {};
}

// A worker gets what came by the links that it has; a connection goes to any.
core::Result<void> TakenOver::give_to(const std::vector<std::unique_ptr<Worker>>& workers,
                                      const std::map<LinkNumber, std::size_t>& dealt,
                                      Portion portion) {
  TakeOverState& state = portion.state;
  auto next = portion.sockets.begin();
  std::vector<std::size_t> worker_of; // by link
  std::size_t listeners = 0;
  for (std::size_t i = 0; i < state.links.size(); ++i) {
    LinkState& link = state.links[i];
    const auto number = static_cast<LinkNumber>(i);
    event::Fd own = std::move(*next++);
    std::vector<event::Fd> passages;
    passages.reserve(link.served_elsewhere.size());
    for (std::size_t group = 0; group < link.served_elsewhere.size(); ++group) {
      passages.push_back(std::move(*next++));
    }
    const auto found = dealt.find(number);
    const bool listens = link.kind == LinkState::Kind::listener;
    if (listens != (found != dealt.end())) {
      return core::failure("the listeners of the running turnd have changed meanwhile");
    }
    if (listens) ++listeners;
    worker_of.push_back(listens ? found->second : i % workers.size());
    Worker& worker = *workers[worker_of.back()];
    if (!listens) {
      worker.take_up(number, link, std::move(own));
    } else if (!passages.empty()) {
      worker.take_up(number, link, std::move(passages));
    }
  }
  if (listeners != dealt.size()) {
    return core::failure("the listeners of the running turnd have changed meanwhile");
  }

  struct Share {
    ServerState state;
    std::vector<event::Fd> relays;
    std::vector<event::Fd> reserved;
  };
  std::vector<Share> shares(workers.size());
  std::vector<core::SocketAddress> ports;
  for (std::size_t i = 0; i < state.servers.size(); ++i) {
    ServerState& server = state.servers[i];
    const std::size_t any = i % workers.size();
    const auto of_link = [&](LinkNumber link) -> Share& {
      return shares[worker_of[static_cast<std::size_t>(link)]];
    };
    for (AllocationState& each : server.allocations) {
      Share& share = each.link ? of_link(*each.link) : shares[any];
      for (const auto& relay : each.relays) {
        if (!relay) continue;
        ports.push_back(relay->address);
        share.relays.push_back(std::move(*next++));
      }
      share.state.allocations.push_back(std::move(each));
    }
    for (ReservationState& each : server.reservations) {
      ports.push_back(each.address);
      shares[any].reserved.push_back(std::move(*next++));
      shares[any].state.reservations.push_back(std::move(each));
    }
    for (ArrivalState& each : server.arrivals) {
      of_link(each.link).state.arrivals.push_back(std::move(each));
    }
    ports.insert(ports.end(), server.staying.begin(), server.staying.end());
  }
  for (std::size_t i = 0; i < workers.size(); ++i) {
    Share& share = shares[i];
    std::ranges::move(share.reserved, std::back_inserter(share.relays));
    workers[i]->take_up(share.state, std::move(share.relays));
  }
  for (const auto& worker : workers) worker->keep_ports(ports);
  return {};
}

} // namespace turnd
