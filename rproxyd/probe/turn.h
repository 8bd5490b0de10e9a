// Asks a TURN server over UDP: a STUN Binding, an Allocate without credentials, and with some a real one,
// which is given back at once (RFC 8489, RFC 8656).
#pragma once

#include <optional>
#include <string>

#include "libcore/base/secret.h"
#include "libcore/dns/resolver.h"
#include "rproxyd/doctor/facts.h"

namespace rproxyd::probe {

struct TurnCredentials {
  std::string user;
  core::Secret password;
};

doctor::TurnFacts ask_turn(dns::Resolver& resolver, const std::string& host, std::uint16_t port,
                           const std::optional<TurnCredentials>& credentials);

} // namespace rproxyd::probe
