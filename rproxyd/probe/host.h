// Asks a host like a client would: its addresses, TCP, TLS with its certificate, and the request by which
// a conferencing node says that it serves.
#pragma once

#include <string>

#include "libcore/dns/resolver.h"
#include "rproxyd/doctor/facts.h"

namespace rproxyd::probe {

// `ca_file`: the authorities that are trusted; empty: the system's.
doctor::HostFacts ask_host(dns::Resolver& resolver, const std::string& host, std::uint16_t port,
                           const std::string& ca_file);

} // namespace rproxyd::probe
