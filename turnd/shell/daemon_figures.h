// What turnd shows of itself as a whole, as a copy that anybody may look at.
#pragma once

#include <cstdint>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/program/reload.h"
#include "libcore/tls/server_context.h"
#include "turnd/shell/figures.h"

namespace turnd {

struct DaemonFigures {
  struct Relay {
    core::IpAddress address;
    std::uint64_t ports = 0;
    std::uint64_t ports_used = 0; // the reserved ones among them
  };

  unsigned workers = 0;
  unsigned silent_workers = 0; // gave no answer in time: what they said before stands in
  WorkerFigures all;
  std::vector<Relay> relays;
  std::uint64_t reserved_ports = 0;
  program::ReloadRecord::Figures reloads;
  std::vector<tls::CertificateFacts> certificates; // each file once
  bool serving = true;                             // false while draining
};

} // namespace turnd
