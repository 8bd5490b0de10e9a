#include "turnd/settings/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "libcore/config/admin.h"
#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "turnd/settings/read_credentials.h"
#include "turnd/settings/read_limits.h"
#include "turnd/settings/read_offload.h"

namespace turnd {
namespace {

using config::ObjectReader;
using config::Value;
using namespace std::chrono_literals;

std::optional<Settings::Listener> read_listener(const Value& value);
void read_relay(const Value& value, Settings::Relay& relay);
void read_alternate(const Value& value, Settings::Alternate& alternate);
void leave_out_itself(Settings& settings);
void read_log(const Value& value, Settings::Log& log);
void refuse_repeated_listeners(const Value& list, const std::vector<Settings::Listener>& listeners);

} // namespace

Settings read(const Value& root) {
  Settings settings;
  ObjectReader object(root);
  std::string for_editors;
  object.read("$schema", for_editors, config::text());
  object.read("workers", settings.workers, config::integer(0U, kMaxWorkers));
  object.read("drain_timeout", settings.drain_timeout, config::duration(0s, 24h));
  object.read("take_over_timeout", settings.take_over_timeout, config::duration(0s, 24h * 7));
  if (const auto reload = object.find("reload"))
    config::read_reload_rules(*reload, settings.reload);
  if (const auto sandbox = object.find("sandbox")) config::read_sandbox(*sandbox, settings.sandbox);
  object.require("realm", settings.realm, realm);

  if (object.require("listeners", settings.listeners,
                     config::some_of(read_listener, kMaxListeners, "listener"))) {
    refuse_repeated_listeners(object.place_of("listeners"), settings.listeners);
  }

  if (const auto relay = object.need("relay", R"({ "addresses": [ … ] })"))
    read_relay(*relay, settings.relay);
  if (const auto peers = object.find("peers")) {
    ObjectReader lists(*peers);
    lists.read("allow", settings.peers.allow, config::network_list);
    lists.read("deny", settings.peers.deny, config::network_list);
    lists.finish();
  }
  if (const auto clients = object.find("clients")) {
    ObjectReader lists(*clients);
    lists.read("stun", settings.clients.stun, config::network_list);
    lists.read("turn", settings.clients.turn, config::network_list);
    lists.read("mobility", settings.clients.mobility, config::boolean);
    lists.read("draft_dual_allocation", settings.clients.draft_dual_allocation, config::boolean);
    lists.read("rfc5766_channels", settings.clients.rfc5766_channels, config::boolean);
    lists.finish();
  }
  if (const auto credentials = object.find("credentials")) {
    read_credentials(*credentials, settings.realm, settings.credentials);
  } else if (object.is_object()) {
    root.warning("no \"credentials\": nobody can relay, the server answers STUN alone");
  }
  if (const auto limits = object.find("limits")) read_limits(*limits, settings.limits);
  if (const auto alternate = object.find("alternate")) {
    read_alternate(*alternate, settings.alternate);
    leave_out_itself(settings);
  }
  if (const auto offload = object.find("offload")) read_offload(*offload, settings.offload);
  if (const auto log = object.find("log")) read_log(*log, settings.log);
  if (const auto admin = object.find("admin")) config::read_admin(*admin, settings.admin);
  object.finish();
  return settings;
}

namespace {

bool is_over_tls(Settings::Transport transport) {
  return transport == Settings::Transport::tls || transport == Settings::Transport::dtls;
}

bool is_over_tcp(Settings::Transport transport) {
  return transport == Settings::Transport::tcp || transport == Settings::Transport::tls;
}

std::optional<Settings::Listener> read_listener(const Value& value) {
  Settings::Listener listener;
  ObjectReader object(value);
  const bool has_transport =
      object.require("transport", listener.transport,
                     config::choice<Settings::Transport>({{"udp", Settings::Transport::udp},
                                                          {"tcp", Settings::Transport::tcp},
                                                          {"tls", Settings::Transport::tls},
                                                          {"dtls", Settings::Transport::dtls}}));
  const bool has_address = object.require("address", listener.address, config::listening_address);
  object.read("proxy_protocol_from", listener.proxy_protocol_from, config::network_list);
  const bool certificates_wrong =
      !object.read("certificates", listener.certificates,
                   config::list_of(config::certificate_files, kMaxCertificates)) &&
      object.has("certificates");
  object.finish();
  if (!has_transport || !has_address) return std::nullopt;

  if (!is_over_tcp(listener.transport) && !listener.proxy_protocol_from.empty()) {
    object.place_of("proxy_protocol_from")
        .error("a listener for datagrams has no PROXY headers", "this on \"tcp\" and \"tls\" only");
  }
  if (!is_over_tls(listener.transport) && !listener.certificates.empty()) {
    object.place_of("certificates")
        .error("a listener without TLS has no certificates", "these on \"tls\" and \"dtls\" only");
  }
  if (is_over_tls(listener.transport) && listener.certificates.empty() && !certificates_wrong) {
    value.warning("no certificates: a self-signed one is made, and clients may refuse it");
  }
  return listener;
}

// udp and dtls bind the same kind of socket, and so do tcp and tls.
void refuse_repeated_listeners(const Value& list,
                               const std::vector<Settings::Listener>& listeners) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const auto same = [&](const Settings::Listener& other) {
      return other.address == listeners[i].address &&
             is_over_tcp(other.transport) == is_over_tcp(listeners[i].transport);
    };
    const auto first =
        static_cast<std::size_t>(std::ranges::find_if(listeners, same) - listeners.begin());
    if (first == i || listeners[i].address.port() == 0) continue;
    list.element(i).error(fmt::format("{} port of {} is taken by listener {} already",
                                      is_over_tcp(listeners[i].transport) ? "the TCP" : "the UDP",
                                      listeners[i].address.to_string(), first),
                          "another address or port");
  }
}

std::optional<core::IpAddress> relay_address(const Value& value) {
  const auto ip = config::ip_address(value);
  if (!ip) return std::nullopt;
  if (ip->is_unspecified()) {
    value.refuse("is no address that peers could answer to", "an address of this machine");
    return std::nullopt;
  }
  const bool multicast =
      ip->family == core::Family::ipv4 ? (ip->octets[0] & 0xf0) == 0xe0 : ip->octets[0] == 0xff;
  if (multicast) {
    value.refuse("is a multicast address", "an address of this machine");
    return std::nullopt;
  }
  return ip;
}

std::optional<std::pair<std::uint16_t, std::uint16_t>> port_range(const Value& value) {
  constexpr std::uint16_t kFirst = 1;
  constexpr std::uint16_t kLast = 65535;
  const auto port = config::integer(kFirst, kLast);
  if (value.tells(config::Shape::between(config::Shape::Kind::list, 2, 2))) {
    port(value.element(0));
    return std::nullopt;
  }
  const auto& elements = value.node().elements;
  if (elements.size() != 2) {
    value.error(value.node().kind == config::Node::Kind::array
                    ? fmt::format("a list of {}", elements.size())
                    : fmt::format("{} is not a list", value.kind()),
                "the first and the last port, such as [49152, 65535]");
    return std::nullopt;
  }
  const auto first = port(value.element(0));
  const auto last = port(value.element(1));
  if (!first || !last) return std::nullopt;
  if (*first > *last) {
    value.error(fmt::format("the first port, {}, is above the last, {}", *first, *last),
                "the lower one first");
    return std::nullopt;
  }
  return std::pair(*first, *last);
}

void read_relay(const Value& value, Settings::Relay& relay) {
  constexpr std::size_t kMaxOutside = 2; // one a family
  ObjectReader object(value);
  if (object.require("addresses", relay.addresses,
                     config::some_of(relay_address, kMaxRelayAddresses, "address"))) {
    const auto list = object.place_of("addresses");
    std::set<core::IpAddress> seen;
    for (std::size_t i = 0; i < relay.addresses.size(); ++i) {
      if (!seen.insert(relay.addresses[i]).second) {
        list.element(i).refuse("is listed already", "each address once");
      }
    }
  }

  // One map may serve a whole fleet, each server of which finds its own addresses in it.
  if (object.read("external_addresses", relay.external_addresses,
                  config::map_of(relay_address, relay_address, kMaxExternalAddresses))) {
    const auto map = object.place_of("external_addresses");
    const bool has_ours = std::ranges::any_of(relay.addresses, [&](const core::IpAddress& own) {
      return relay.external_addresses.contains(own);
    });
    for (const auto& member : map.node().members) {
      const auto own = core::IpAddress::parse(member.key.text);
      if (!own) continue;
      if (own->family != relay.external_addresses.at(*own).family) {
        map.value(member).refuse("is of the other family", "IPv4 for IPv4, IPv6 for IPv6");
      } else if (!has_ours) {
        map.key(member).warning(fmt::format(
            "{} is not among the relay addresses: this is without effect", own->to_string()));
      }
    }
  }

  std::vector<core::IpAddress> outside;
  if (object.read("external_address", outside, config::list_of(relay_address, kMaxOutside))) {
    if (outside.size() == kMaxOutside && outside[0].family == outside[1].family) {
      object.place_of("external_address")
          .as_list()
          .element(1)
          .refuse("is the second of its family", "one IPv4 and one IPv6 address at most");
    }
    for (const auto& own : relay.addresses) {
      const auto same_family = std::ranges::find(outside, own.family, &core::IpAddress::family);
      if (same_family != outside.end()) relay.external_addresses.emplace(own, *same_family);
    }
  }

  std::pair ports(relay.first_port, relay.last_port);
  object.read("ports", ports, port_range);
  std::tie(relay.first_port, relay.last_port) = ports;
  object.read("tcp", relay.tcp, config::boolean);
  object.finish();
}

void read_alternate(const Value& value, Settings::Alternate& alternate) {
  using When = Settings::Alternate::When;
  ObjectReader object(value);
  const auto server = [](const Value& each) {
    auto address = config::listening_address(each);
    if (address && (address->port() == 0 || address->ip().is_unspecified())) {
      each.refuse("is nowhere that a client could go", "an address and a port");
      address.reset();
    }
    return address;
  };
  object.require("servers", alternate.servers,
                 config::some_of(server, kMaxAlternateServers, "server"));
  object.read("domain", alternate.domain, config::text(kMaxDomainBytes));
  const bool when_is_wrong = !object.read("when", alternate.when,
                                          config::choice<When>({{"draining", When::draining},
                                                                {"full", When::full},
                                                                {"busier", When::busier},
                                                                {"always", When::always}})) &&
                             object.has("when");
  object.read("loads_file", alternate.loads_file, config::path);
  object.finish();
  if (when_is_wrong) return;
  if (alternate.when == When::busier && !object.has("loads_file")) {
    object.place_of("when").error("\"busier\" needs to know how busy the others are",
                                  "\"loads_file\" beside it, which deploy/turn_loads writes");
  } else if (alternate.when != When::busier && object.has("loads_file")) {
    object.place_of("loads_file")
        .error("loads are of use with \"busier\" alone", R"("when": "busier")");
  }
}

// One list of alternate servers may serve a whole fleet: a server sends nobody to itself, by its own
// address or by what static NAT makes of it.
void leave_out_itself(Settings& settings) {
  const Settings::Relay& relay = settings.relay;
  std::set<core::IpAddress> own(relay.addresses.begin(), relay.addresses.end());
  std::set<std::uint16_t> ports;
  for (const Settings::Listener& listener : settings.listeners) {
    own.insert(listener.address.ip());
    ports.insert(listener.address.port());
  }
  for (const auto& [inside, outside] : relay.external_addresses) {
    if (own.contains(inside)) own.insert(outside);
  }
  std::erase_if(settings.alternate.servers, [&](const core::SocketAddress& server) {
    return own.contains(server.ip()) && ports.contains(server.port());
  });
}

void read_log(const Value& value, Settings::Log& log) {
  ObjectReader object(value);
  object.read("level", log.level,
              config::choice<logging::Level>({{"debug", logging::Level::debug},
                                              {"info", logging::Level::info},
                                              {"warning", logging::Level::warning},
                                              {"error", logging::Level::error}}));
  object.read("format", log.format,
              config::choice<logging::Format>(
                  {{"text", logging::Format::text}, {"json", logging::Format::json}}));
  object.finish();
}

} // namespace
} // namespace turnd
