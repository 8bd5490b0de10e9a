#include "turnd/shell/listeners.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libcore/event/loop.h"
#include "libcore/event/socket.h"
#include "libcore/program/named_files.h"
#include "libcore/tls/certificate.h"

namespace turnd {
namespace {

bool is_over_tls(Settings::Transport transport) {
  return transport == Settings::Transport::tls || transport == Settings::Transport::dtls;
}

bool same_sockets(const Settings::Listener& a, const Settings::Listener& b) {
  return a.address == b.address &&
         (is_over_tcp(a.transport) ? is_over_tcp(b.transport) : a.transport == b.transport);
}

core::Result<std::vector<tls::Certificate>> certificates_of(const Settings::Listener& listener,
                                                            logging::Logger& log) {
  const core::WallTime now = event::read_now().wall;
  std::vector<tls::Certificate> certificates;
  for (const config::CertificateFiles& files : listener.certificates) {
    auto certificate = tls::load_certificate(files.certificate, files.key);
    if (!certificate) return std::unexpected(certificate.error());
    for (const std::string& warning : tls::warnings(*certificate, now)) {
      log.warning("certificate", warning);
    }
    if (const auto exposed = program::exposed_key(files)) log.warning("certificate", *exposed);
    certificates.push_back(std::move(*certificate));
  }
  if (!certificates.empty()) return certificates;

  const core::IpAddress ip = listener.address.ip();
  std::vector<std::string> names{"localhost"};
  if (!ip.is_unspecified()) names.push_back(ip.to_string());
  auto own = tls::make_self_signed(names, now);
  if (!own) return std::unexpected(own.error());
  log.warning("certificate.self_signed",
              "no certificate is configured: a self-signed one was made, which clients may refuse",
              logging::field("listener", listener.address),
              logging::field("sha256", own->sha256_fingerprint()));
  certificates.push_back(std::move(*own));
  return certificates;
}

bool is_among(const std::vector<std::shared_ptr<const Listener>>& list,
              const std::shared_ptr<const Listener>& listener) {
  return std::ranges::find(list, listener) != list.end();
}

} // namespace

std::string_view name_of(Settings::Transport transport) {
  switch (transport) {
    case Settings::Transport::udp:
      return "udp";
    case Settings::Transport::tcp:
      return "tcp";
    case Settings::Transport::tls:
      return "tls";
    case Settings::Transport::dtls:
      return "dtls";
  }
  return "";
}

core::Result<Listeners::Next> Listeners::prepare(const std::vector<Settings::Listener>& wanted) {
  std::erase_if(departing_, [](const Shared& each) { return each->departure->is_over(); });
  Next next;
  next.sockets.resize(workers_);
  const std::vector<Shared> formers = find_formers(wanted);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Settings::Listener& each = wanted[i];
    const Shared& former = formers[i];
    if (!former) {
      if (auto free = check_against_others(each); !free) return std::unexpected(free.error());
    }
    auto tls = tls_of(each, former.get());
    if (!tls) return std::unexpected(tls.error());
    auto listener = std::make_shared<Listener>();
    listener->id = former ? former->id : ++last_id_;
    listener->settings = each;
    listener->bound = former ? former->bound : each.address;
    listener->tls = *std::move(tls);
    if (former) {
      for (auto& mine : next.sockets) mine.emplace_back();
    } else if (auto opened = open(*listener, next); !opened) {
      return std::unexpected(opened.error());
    }
    if (former) listener->datagram_sockets = former->datagram_sockets;
    listener->departure = std::make_shared<Departure>(listener->datagram_sockets);
    next.listeners.push_back(std::move(listener));
  }
  // Nothing fails any more but for those that end in this moment.
  for (std::size_t i = 0; i < formers.size(); ++i) {
    if (!formers[i] || !is_among(departing_, formers[i])) continue;
    if (formers[i]->departure->call_off()) continue;
    return core::failure(fmt::format("the former listener {} {} is just being closed: try again",
                                     name_of(wanted[i].transport), wanted[i].address.to_string()));
  }
  return next;
}

// Several may be configured with port 0 of one address: each is one, and if possible of the same
// transport.
std::vector<Listeners::Shared> Listeners::find_formers(
    const std::vector<Settings::Listener>& wanted) const {
  std::vector<Shared> formers(wanted.size());
  for (const bool exactly : {true, false}) {
    for (const auto* among : {&in_service_, &departing_}) {
      for (const Shared& each : *among) {
        for (std::size_t i = 0; i < wanted.size() && !is_among(formers, each); ++i) {
          if (formers[i] || !same_sockets(each->settings, wanted[i])) continue;
          if (!exactly || each->settings.transport == wanted[i].transport) formers[i] = each;
        }
      }
    }
  }
  return formers;
}

// Of the sockets of one port the kernel takes the most specific ones, and deals clients out among them by
// hashes of their own: clients of the others would find themselves with another worker. Nor can datagrams
// be told apart by whether they are DTLS.
core::Result<void> Listeners::check_against_others(const Settings::Listener& wanted) const {
  if (is_over_tcp(wanted.transport) || wanted.address.port() == 0) return {};
  for (const auto* among : {&in_service_, &departing_}) {
    for (const Shared& each : *among) {
      if (is_over_tcp(each->settings.transport)) continue;
      if (each->bound != wanted.address && !overlap(each->bound, wanted.address)) continue;
      return core::failure(
          fmt::format("can't listen on {} {} while clients may have allocations on {} {}: take "
                      "that listener away "
                      "first, and add this one when they have ended, or restart",
                      name_of(wanted.transport), wanted.address.to_string(),
                      name_of(each->settings.transport), each->bound.to_string()));
    }
  }
  return {};
}

// With port 0 the first socket finds a port, and the others share it. The kernel deals clients out to the
// sockets of an address by their number: of inherited datagram sockets there are as many as there were,
// so that every client stays with the one it has; connections can do with more.
core::Result<void> Listeners::open(Listener& listener, Next& next) {
  auto sockets = inherited_for(listener.settings);
  if (!sockets.empty()) listener.bound = event::local_address(sockets.front().fd.get());
  const bool streams = is_over_tcp(listener.settings.transport);
  const bool enough = !sockets.empty() && !streams;
  while (!enough && sockets.size() < workers_) {
    auto fd = streams ? event::listen_tcp(listener.bound, event::Sharing::shared)
                      : event::bind_udp(listener.bound, event::Sharing::shared);
    if (!fd) return std::unexpected(fd.error());
    listener.bound = event::local_address(fd->get());
    sockets.push_back({.fd = std::move(*fd)});
  }
  listener.datagram_sockets = static_cast<unsigned>(sockets.size());
  for (auto& mine : next.sockets) mine.emplace_back();
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const auto worker = static_cast<unsigned>(i % workers_);
    if (const auto& link = sockets[i].link) dealt_.emplace(*link, worker);
    if (i < workers_) {
      next.sockets[worker].back() = std::move(sockets[i]);
    } else {
      next.further.push_back(
          {.worker = worker, .listener = next.listeners.size(), .socket = std::move(sockets[i])});
    }
  }
  return {};
}

std::vector<Listeners::Next::Socket> Listeners::inherited_for(const Settings::Listener& listener) {
  std::vector<Next::Socket> found;
  for (Inherited& each : inherited_) {
    if (!each.socket || each.transport != listener.transport) continue;
    if (each.configured != listener.address) continue;
    found.push_back({.fd = std::move(each.socket), .link = each.link});
  }
  return found;
}

// A certificate that was made stays for as long as none is configured.
core::Result<std::shared_ptr<const tls::ServerContext>> Listeners::tls_of(
    const Settings::Listener& wanted, const Listener* former) const {
  if (!is_over_tls(wanted.transport)) return nullptr;
  if (former != nullptr && former->tls && wanted.certificates.empty() &&
      former->settings.certificates.empty()) {
    return former->tls;
  }
  auto certificates = certificates_of(wanted, log_);
  if (!certificates) return std::unexpected(certificates.error());
  return tls::ServerContext::make(*certificates,
                                  {.datagrams = wanted.transport == Settings::Transport::dtls,
                                   .alpn = {"stun.turn"}}); // RFC 7443
}

std::vector<std::vector<ListenerSocket>> Listeners::change_to(Next next) {
  const auto has = [](const std::vector<Shared>& list, std::uint64_t id) {
    return std::ranges::any_of(list, [&](const Shared& each) { return each->id == id; });
  };
  for (const Shared& each : next.listeners) {
    if (has(in_service_, each->id)) continue;
    log_.info("listener.open", "listening",
              logging::field("transport", name_of(each->settings.transport)),
              logging::field("address", each->bound));
  }
  std::erase_if(departing_, [&](const Shared& each) { return has(next.listeners, each->id); });
  for (const Shared& each : in_service_) {
    if (has(next.listeners, each->id)) continue;
    log_.info("listener.closed", "no new clients are taken here",
              logging::field("transport", name_of(each->settings.transport)),
              logging::field("address", each->bound));
    if (!is_over_tcp(each->settings.transport)) departing_.push_back(each);
  }
  {
    const std::lock_guard lock(mutex_);
    in_service_ = std::move(next.listeners);
  }

  std::vector<std::vector<ListenerSocket>> by_worker(workers_);
  for (unsigned worker = 0; worker < workers_; ++worker) {
    for (std::size_t i = 0; i < in_service_.size(); ++i) {
      auto& [fd, link] = next.sockets[worker][i];
      by_worker[worker].push_back(
          {.listener = in_service_[i], .socket = std::move(fd), .link = link});
    }
  }
  for (auto& [worker, listener, socket] : next.further) {
    by_worker[worker].push_back(
        {.listener = in_service_[listener], .socket = std::move(socket.fd), .link = socket.link});
  }
  return by_worker;
}

std::vector<event::BoundListener> Listeners::bound() const {
  const std::lock_guard lock(mutex_);
  std::vector<event::BoundListener> all;
  all.reserve(in_service_.size());
  for (const Shared& each : in_service_) {
    all.push_back(
        {.transport = std::string(name_of(each->settings.transport)), .address = each->bound});
  }
  return all;
}

std::vector<tls::CertificateFacts> Listeners::certificates() const {
  std::vector<tls::CertificateFacts> certificates;
  const std::lock_guard lock(mutex_);
  for (const Shared& listener : in_service_) {
    if (!listener->tls) continue;
    for (const tls::CertificateFacts& facts : listener->tls->certificates()) {
      const bool said = std::ranges::any_of(
          certificates, [&](const auto& each) { return each.source == facts.source; });
      if (!said) certificates.push_back(facts);
    }
  }
  return certificates;
}

std::vector<core::SocketAddress> Listeners::addresses() const {
  std::vector<core::SocketAddress> all;
  for (const auto* among : {&in_service_, &departing_}) {
    for (const Shared& each : *among) all.push_back(each->bound);
  }
  return all;
}

} // namespace turnd
