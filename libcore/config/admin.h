// "admin": how a running daemon is looked at and told things. The same for both daemons.
#pragma once

#include <optional>
#include <string>

#include "libcore/base/address.h"
#include "libcore/config/value.h"

namespace config {

struct Admin {
  std::optional<core::SocketAddress> address; // HTTP; absent: none
  std::optional<std::string> socket;          // a path; absent: none

  friend bool operator==(const Admin&, const Admin&) = default;
};

void read_admin(const Value& value, Admin& admin);

} // namespace config
