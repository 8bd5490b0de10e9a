// The TLS of a listener, by its settings.
#pragma once

#include <memory>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/log/log.h"
#include "libcore/tls/certificate.h"
#include "libcore/tls/server_context.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

using Certificates = std::vector<tls::Certificate>;

// A certificate that browsers refuse, for a listener that none is configured for.
core::Result<std::shared_ptr<const Certificates>> make_own_certificate(
    const Settings::Listener& listener, logging::Logger& log);

// With the certificates that the settings name, or else with `own`. The listener has TLS.
core::Result<std::shared_ptr<const tls::ServerContext>> tls_of(
    const Settings::Listener& listener, const Certificates* own,
    const std::shared_ptr<tls::TicketKeys>& tickets);

} // namespace rproxyd
