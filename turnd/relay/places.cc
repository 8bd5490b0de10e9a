#include "turnd/relay/places.h"

#include <algorithm>

namespace turnd {
namespace {

constexpr PortRange kNoPorts{.first = 1, .last = 0};

} // namespace

void Places::set(const std::vector<RelayAddress>& addresses, PortRange ports) {
  for (Place& place : places_) {
    // One that has just gone out of service stays for a while: another worker that hasn't heard of it
    // may be about to open a socket there.
    if (place.state == Place::State::former && place.address.in_use->empty()) place = {};
    if (place.state == Place::State::serving) place.state = Place::State::former;
  }
  for (const RelayAddress& address : addresses) place_for(address).state = Place::State::serving;

  behind_nat_ = false;
  for (const Place& place : places_) {
    if (place.state == Place::State::free) continue;
    behind_nat_ = behind_nat_ || place.address.ip != place.address.advertised;
    const bool serving = std::ranges::any_of(places_, [&](const Place& each) {
      return each.state == Place::State::serving && each.address.ip == place.address.ip;
    });
    place.ports->set_range(serving ? ports : kNoPorts);
  }
}

Place& Places::place_for(const RelayAddress& address) {
  Place* unused = nullptr;
  std::shared_ptr<PortPool> ports;
  for (Place& place : places_) {
    if (place.state == Place::State::free) {
      if (unused == nullptr) unused = &place;
    } else if (place.address.ip == address.ip) {
      if (place.address.advertised == address.advertised) return place;
      ports = place.ports;
    }
  }
  if (unused == nullptr) unused = &places_.emplace_back();
  if (!ports) ports = std::make_shared<PortPool>(kNoPorts, worker_, workers_);
  *unused = {.address = address, .ports = std::move(ports), .state = Place::State::former};
  if (!address.in_use) unused->address.in_use = std::make_shared<PortsInUse>();
  return *unused;
}

bool Places::serves(core::Family family) const {
  return std::ranges::any_of(places_, [&](const Place& place) { return place.serves(family); });
}

std::optional<std::size_t> Places::with_socket(const core::SocketAddress& address) const {
  const core::IpAddress ip = address.ip();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    if (place.state == Place::State::free || place.address.ip != ip) continue;
    if (place.has_socket(address.port())) return i;
  }
  return std::nullopt;
}

std::size_t Places::adopt(const core::SocketAddress& address, const core::IpAddress& advertised) {
  if (const auto found = with_socket(address)) return *found;
  Place& place = place_for({.ip = address.ip(), .advertised = advertised});
  place.address.in_use->set(address.port());
  behind_nat_ = behind_nat_ || address.ip() != advertised;
  return static_cast<std::size_t>(&place - places_.data());
}

std::optional<std::size_t> Places::of(const core::IpAddress& ip) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    if (place.state == Place::State::free || place.address.ip != ip) continue;
    if (place.state == Place::State::serving) return i;
    found = i;
  }
  return found;
}

void Places::withdraw_taken() {
  for (const Place& place : places_) {
    if (place.ports) place.ports->withdraw_taken();
  }
}

bool Places::advertises(const core::SocketAddress& peer) const {
  const core::IpAddress ip = peer.ip();
  return std::ranges::any_of(places_, [&](const Place& place) {
    return place.state != Place::State::free && place.address.advertised == ip &&
           place.has_socket(peer.port());
  });
}

bool Places::has_address(const core::IpAddress& ip) const {
  return std::ranges::any_of(places_, [&](const Place& place) {
    return place.state != Place::State::free &&
           (place.address.ip == ip || place.address.advertised == ip);
  });
}

const PeerAddress* Places::inside_of(const PeerAddress* peer) {
  if (!behind_nat_) return peer;
  const core::IpAddress ip = peer->address.ip();
  const std::uint16_t port = peer->address.port();
  for (const Place& place : places_) {
    if (place.state == Place::State::free) continue;
    const RelayAddress& own = place.address;
    if (own.advertised != ip || own.ip == ip || !place.has_socket(port)) continue;
    inside_peer_ = {{own.ip, port}};
    return &inside_peer_;
  }
  return peer;
}

PeerAddress Places::outside_of(const PeerAddress& peer) const {
  if (!behind_nat_) return peer;
  const auto place = with_socket(peer.address);
  if (!place) return peer;
  return {{places_[*place].address.advertised, peer.address.port()}};
}

} // namespace turnd
