// Which sessions somebody wants to see.
#pragma once

#include <optional>
#include <string>

#include "libcore/base/network.h"
#include "turnd/relay/session.h"

namespace turnd {

struct SessionFilter {
  std::optional<std::string> user;
  std::optional<core::Network> client;

  bool takes(const SessionView& view) const {
    return (!user || view.user == *user) &&
           (!client || client->contains(view.five_tuple.client.ip()));
  }
};

} // namespace turnd
