// "admin": how a running daemon is looked at and told things. The same for both daemons.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/secret.h"
#include "libcore/config/certificate_files.h"
#include "libcore/config/value.h"

namespace config {

struct Admin {
  struct Tls {
    std::vector<CertificateFiles> certificates; // at least one
    std::optional<std::string> client_ca_file;  // whose certificates let a client in

    friend bool operator==(const Tls&, const Tls&) = default;
  };

  std::optional<core::SocketAddress> address; // HTTP; absent: none
  std::optional<std::string> socket;          // a path; absent: none
  core::Secret token = {};                    // empty: none
  std::optional<Tls> tls = {};                // absent: plain HTTP
  std::vector<std::string> names = {}; // hosts, in lower case, that `address` is asked for by
  bool read_only = false;              // HTTP carries out no commands

  // Whether a client must prove who it is: a token, or a certificate of client_ca_file. Never false
  // for an address that other machines can reach.
  bool is_closed() const { return !token.empty() || (tls && tls->client_ca_file); }

  friend bool operator==(const Admin& a, const Admin& b);
};

inline constexpr std::size_t kMinTokenBytes = 16;
inline constexpr std::size_t kMaxAdminNames = 16;

void read_admin(const Value& value, Admin& admin);

} // namespace config
