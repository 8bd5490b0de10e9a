// What turnd shows of itself as a whole, as a copy that anybody may look at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/program/reload.h"
#include "libcore/tls/server_context.h"
#include "turnd/offload/layout.h"
#include "turnd/shell/figures.h"

namespace turnd {

struct OffloadState {
  bool wanted = false; // by the configuration
  bool active = false;
  std::string why_not;
  std::vector<std::string> interfaces;
  std::array<std::uint64_t, kOffloadPasses>
      passes{}; // packets of bindings that came to the sockets
};
// As operators read it: "no_neighbour".
std::string_view name_of(OffloadPass why);

// Of the alternate servers (alternate.loads_file).
struct LoadsState {
  bool wanted = false; // by the configuration
  bool known = false;
  std::size_t servers = 0; // of which it is known
  std::string why_not;
};

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
  OffloadState offload;
  LoadsState loads;
  bool serving = true; // false while draining
};

} // namespace turnd
