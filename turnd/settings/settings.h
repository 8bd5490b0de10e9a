// turnd.json as the daemon uses it: every value is present, checked, and in its own type.
// docs/configuration.md explains each key.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/network.h"
#include "libcore/base/secret.h"
#include "libcore/base/time.h"
#include "libcore/config/admin.h"
#include "libcore/config/certificate_files.h"
#include "libcore/config/limit.h"
#include "libcore/config/problem.h"
#include "libcore/config/reload_rules.h"
#include "libcore/config/sandbox.h"
#include "libcore/config/surroundings.h"
#include "libcore/log/level.h"
#include "libcore/stun/access_token.h"
#include "libcore/stun/user_keys.h"

namespace turnd {

struct Settings {
  enum class Transport : std::uint8_t { udp, tcp, tls, dtls };

  struct Listener {
    Transport transport = Transport::udp;
    core::SocketAddress address;
    core::NetworkList proxy_protocol_from; // tcp and tls; PROXY headers are read from these alone
    std::vector<config::CertificateFiles>
        certificates; // tls and dtls: PEM files; empty: self-signed

    friend bool operator==(const Listener&, const Listener&) = default;
  };

  struct Relay {
    std::vector<core::IpAddress> addresses;                        // at least one, all different
    std::map<core::IpAddress, core::IpAddress> external_addresses; // own -> advertised, same family
    std::uint16_t first_port = 49152;
    std::uint16_t last_port = 65535; // inclusive, not below first_port
    bool tcp = false;                // RFC 6062

    friend bool operator==(const Relay&, const Relay&) = default;
  };

  // On top of the built-in deny list. The most specific network decides; `deny` wins a tie.
  struct Peers {
    core::NetworkList allow;
    core::NetworkList deny;

    friend bool operator==(const Peers&, const Peers&) = default;
  };

  struct Clients { // who may ask for what
    core::NetworkList stun{{core::Network::any()}};
    core::NetworkList turn{{core::Network::any()}};
    bool mobility = false;              // RFC 8016
    bool draft_dual_allocation = false; // takes ADDITIONAL-ADDRESS-FAMILY as 0x8032, too
    bool rfc5766_channels = false; // takes channels 0x5000 to 0x7fff too, as older clients use them

    friend bool operator==(const Clients&, const Clients&) = default;
  };

  struct Oauth { // third-party authorization (RFC 7635)
    struct TokenKey {
      std::string id;
      stun::TokenAlgorithm algorithm = stun::TokenAlgorithm::a256gcm;
      core::Secret key; // decoded
    };
    std::string server_name;
    std::vector<TokenKey> keys; // at least one, all of different names
  };

  struct Credentials {
    std::map<std::string, core::Secret> users; // name -> password
    std::optional<std::string> users_file;
    std::map<std::string, stun::UserKeys> stored_users; // of users_file, none of them in `users`
    std::vector<core::Secret> shared_secrets;           // from the list or from its file
    std::optional<Oauth> oauth;
  };

  struct Limits { // config::kNoLimit: none
    // Not written: what ports and descriptors give (shell/default_limits.h).
    std::optional<std::uint64_t> allocations;
    std::optional<std::uint64_t> allocations_per_user;
    std::uint64_t bandwidth_per_allocation = std::uint64_t{16} << 20; // bytes per second
    std::uint64_t bandwidth_per_user = std::uint64_t{1} << 30;        // likewise
    unsigned permissions_per_allocation = 128;
    unsigned channels_per_allocation = 128;
    unsigned connections_per_allocation = 64;               // with peers of a TCP allocation
    std::uint32_t unauthenticated_answers_per_source = 100; // per second; 0: no limit
    std::chrono::seconds max_lifetime{3600};
    std::chrono::seconds nonce_lifetime{600}; // then its client is asked again

    friend bool operator==(const Limits&, const Limits&) = default;
  };

  struct Alternate { // RFC 8489 section 10
    enum class When : std::uint8_t { draining, full, busier, always };
    std::vector<core::SocketAddress> servers;
    std::string domain; // empty: not told
    When when = When::full;
    std::optional<std::string> loads_file; // with `busier` alone

    friend bool operator==(const Alternate&, const Alternate&) = default;
  };

  struct Offload { // docs/decisions/0070-relaying-in-the-kernel.md
    enum class Mode : std::uint8_t { off, automatic, xdp };
    Mode mode = Mode::off;
    std::vector<std::string> interfaces; // empty: those that have the server's addresses

    friend bool operator==(const Offload&, const Offload&) = default;
  };

  struct Log {
    logging::Level level = logging::Level::info;
    logging::Format format = logging::Format::text;

    friend bool operator==(const Log&, const Log&) = default;
  };

  unsigned workers = 0; // 0: one per core
  core::Duration drain_timeout = std::chrono::seconds{60};
  core::Duration take_over_timeout = std::chrono::hours{12}; // zero: none
  config::ReloadRules reload;
  config::Sandbox sandbox;
  std::vector<std::string> files_read; // users and secrets, beside this one
  std::string realm;
  std::vector<Listener> listeners; // at least one
  Relay relay;
  Peers peers;
  Clients clients;
  Credentials credentials;
  Limits limits;
  Alternate alternate;
  Offload offload;
  Log log;
  config::Admin admin{.address = core::SocketAddress(core::IpAddress::v4(127, 0, 0, 1), 9443),
                      .socket = "/run/vestibule/turnd.sock"};
};

// Reads and checks the file. The error holds everything that is wrong with it, warnings included.
// Options that this version doesn't serve yet are among the problems: see not_yet.h.
std::expected<config::Loaded<Settings>, config::Problems> load(
    const std::string& path, const config::Surroundings& surroundings);

} // namespace turnd
