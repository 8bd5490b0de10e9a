#include "rproxyd/settings/dns.h"

#include <fmt/format.h>

#include <chrono>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {
namespace {

using config::Value;
using namespace std::chrono_literals;

constexpr std::uint16_t kDomain = 53;

// As c-ares takes it: with the port, IPv6 in brackets.
std::optional<std::string> name_server(const Value& value) {
  constexpr std::string_view kExpected = "an address, with a port if need be: \"192.0.2.1:53\"";
  const auto text = value.text(kExpected);
  if (!text) return std::nullopt;
  if (const auto ip = core::IpAddress::parse(*text)) {
    return core::SocketAddress(*ip, kDomain).to_string();
  }
  const auto address = core::SocketAddress::parse(*text);
  if (!address || address->port() == 0) {
    value.refuse("is not the address of a name server", std::string(kExpected));
    return std::nullopt;
  }
  return address->to_string();
}

} // namespace

void read_dns(const Value& value, Settings::Dns& dns) {
  config::ObjectReader object(value);
  object.read("servers", dns.servers,
              config::list_of(config::named("address", name_server), kMaxNameServers));
  object.read("refresh", dns.refresh, config::duration(1s, 24h));
  object.finish();
}

} // namespace rproxyd
