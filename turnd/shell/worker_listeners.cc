// A worker's listeners: those that a reload adds, keeps and takes away, and the connections that come to
// the ones of streams.
#include <algorithm>
#include <cstring>
#include <utility>

#include "libcore/event/socket.h"
#include "turnd/shell/worker.h"

namespace turnd {
namespace {

template <typename L>
bool is_covered(const L& departing, const std::vector<std::unique_ptr<L>>& all) {
  return std::ranges::any_of(all, [&](const auto& each) {
    return !each->departing() && overlap(each->address(), departing.address());
  });
}

template <typename L>
void keep(const std::vector<std::unique_ptr<L>>& all,
          const std::shared_ptr<const Listener>& wanted) {
  for (const auto& each : all) {
    if (each->listener()->id == wanted->id) each->keep(wanted);
  }
}

bool has(const std::vector<ListenerSocket>& wanted, std::uint64_t id) {
  return std::ranges::any_of(wanted, [&](const auto& each) { return each.listener->id == id; });
}

template <typename L>
void depart_without(const std::vector<ListenerSocket>& wanted,
                    const std::vector<std::unique_ptr<L>>& all) {
  for (const auto& each : all) {
    if (!has(wanted, each->listener()->id)) each->depart(false);
  }
  for (const auto& each : all) {
    if (each->departing()) each->depart(is_covered(*each, all));
  }
}

template <typename L>
bool any_departing(const std::vector<std::unique_ptr<L>>& all) {
  return std::ranges::any_of(all, [](const auto& each) { return each->departing(); });
}

} // namespace

void Worker::set_listeners(std::vector<ListenerSocket> wanted) {
  for (ListenerSocket& each : wanted) {
    switch (each.listener->settings.transport) {
      case Settings::Transport::udp:
        if (!each.socket) {
          keep(udp_listeners_, each.listener);
          break;
        }
        udp_listeners_.push_back(
            std::make_unique<UdpListener>(*this, std::move(each.socket), each.listener));
        if (each.link) taken_up_.emplace(*each.link, udp_listeners_.back().get());
        break;
      case Settings::Transport::dtls:
        if (!each.socket) {
          keep(dtls_listeners_, each.listener);
          break;
        }
        dtls_listeners_.push_back(
            std::make_unique<DtlsListener>(*this, std::move(each.socket), each.listener));
        if (each.link) taken_up_dtls_.emplace(*each.link, dtls_listeners_.back().get());
        break;
      case Settings::Transport::tcp:
      case Settings::Transport::tls:
        set_stream_listener(each.listener, std::move(each.socket));
    }
  }
  depart_without(wanted, udp_listeners_);
  depart_without(wanted, dtls_listeners_);
  for (const auto& each : stream_listeners_) {
    if (has(wanted, each->listener->id) || !each->acceptor) continue;
    each->acceptor->take_what_waits();
    each->acceptor.reset();
  }
  let_departing_go();
}

// A departing listener's clients leave one by one, and nobody tells when the last one has. The worker
// that finds that all have tells the others, so that the sockets go at the same time.
void Worker::let_departing_go() {
  const auto over = [](const auto& each) { return each->departing() && each->is_over(); };
  if (std::ranges::any_of(udp_listeners_, over) || std::ranges::any_of(dtls_listeners_, over)) {
    for (unsigned worker = 0; worker < service_.workers(); ++worker) {
      service_.fellows().post(worker, [](Worker& there) { there.close_departed(); });
    }
  }
  close_departed();
  const bool again =
      any_departing(udp_listeners_) || any_departing(dtls_listeners_) ||
      std::ranges::any_of(stream_listeners_, [](const auto& each) { return !each->acceptor; });
  if (again && !draining_) loop_.set_after(departure_deadline_, kDepartureCheck);
}

void Worker::close_departed() {
  flush();
  const auto over = [](const auto& each) { return each->departing() && each->is_over(); };
  std::erase_if(udp_listeners_, over);
  std::erase_if(dtls_listeners_, over);
  std::erase_if(stream_listeners_, [this](const auto& each) {
    return !draining_ && !each->acceptor && each->headers->waiting() == 0;
  });
}

// ---- streams

void Worker::set_stream_listener(std::shared_ptr<const Listener> wanted, event::Fd socket) {
  for (const auto& each : stream_listeners_) {
    if (socket || each->listener->id != wanted->id) continue;
    each->listener = wanted;
  }
  if (!socket || draining_) return;
  StreamListener& listener = *stream_listeners_.emplace_back(std::make_unique<StreamListener>());
  listener.listener = std::move(wanted);
  listener.headers = std::make_unique<event::ProxyHeaders>(
      loop_,
      [this, &listener](event::Fd fd, const core::SocketAddress& proxy,
                        const std::optional<proxy_protocol::Endpoints>& endpoints) {
        const FiveTuple five_tuple{
            .transport = listener.transport(),
            .client = endpoints ? endpoints->source : proxy,
            .server = endpoints ? endpoints->destination : event::local_address(fd.get())};
        start_client(listener, std::move(fd), five_tuple);
      },
      [this](const core::SocketAddress& proxy, std::string_view why) {
        ++proxies_refused_;
        log().warning("proxy.refused", "a proxy's connection was closed",
                      logging::field("proxy", proxy), logging::field("reason", why));
      });
  listener.acceptor = std::make_unique<event::Acceptor>(
      loop_, std::move(socket),
      [this, &listener](event::Fd fd, const core::SocketAddress& peer) {
        accepted(listener, std::move(fd), peer);
      },
      [this](int error) { accepting_paused(error); });
}

void Worker::accepting_paused(int error) {
  log().warning("accept.failed", "no connection can be accepted for a moment",
                logging::field("reason", std::string_view(std::strerror(error))));
}

bool Worker::too_many_unproven() const {
  std::size_t count = unproven_;
  for (const auto& listener : stream_listeners_) count += listener->headers->waiting();
  return count >= kMaxUnprovenClients;
}

void Worker::accepted(StreamListener& listener, event::Fd fd, const core::SocketAddress& peer) {
  if (too_many_unproven()) {
    ++listener.clients->refused;
    log().warning("connection.refused", "too many connections without an allocation",
                  logging::field("client", peer));
    return; // closes it
  }
  if (listener.listener->settings.proxy_protocol_from.contains(peer.ip())) {
    return listener.headers->expect(std::move(fd), peer);
  }
  const FiveTuple five_tuple{
      .transport = listener.transport(), .client = peer, .server = event::local_address(fd.get())};
  start_client(listener, std::move(fd), five_tuple);
}

} // namespace turnd
