// rproxyd.json as the daemon uses it: every value is present, checked, and in its own type.
// docs/configuration.md explains each key.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <variant>
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
#include "libcore/redis/server.h"

namespace rproxyd {

struct Settings {
  enum class TlsVersion : std::uint8_t { tls1_2, tls1_3 };

  struct Tls {
    std::vector<config::CertificateFiles> certificates; // PEM files; empty: self-signed
    TlsVersion min_version = TlsVersion::tls1_2;
    bool compatible_suites = false; // "suites": "compatible"

    friend bool operator==(const Tls&, const Tls&) = default;
  };

  struct Listener {
    core::SocketAddress address;
    std::optional<Tls> tls;                     // absent: plain HTTP
    std::optional<core::SocketAddress> turn;    // with tls only: where TURN over TLS is handed to
    bool proxy_protocol = false;                // read PROXY headers, from trusted_proxies alone
    bool redirect_https = false;                // plain HTTP only: 301 to https://
    std::optional<std::string> acme_challenges; // plain HTTP only: the folder they are served from

    friend bool operator==(const Listener&, const Listener&) = default;
  };

  enum class Scheme : std::uint8_t { http, https };

  struct Server {
    Scheme scheme = Scheme::https;
    std::string host;         // a name, or an address without brackets
    std::uint16_t port = 443; // the scheme's own unless given
    std::string authority;    // as in a URL: with brackets, and the port if it was given
    unsigned weight = 1;      // its share of new clients
    bool backup = false;      // serves only while none of the others can
    // "_pexapp._tcp.example.com": SRV records tell the hosts, their ports and weights (RFC 2782).
    bool is_service() const { return host.starts_with('_'); }

    friend bool operator==(const Server&, const Server&) = default;
  };

  enum class Policy : std::uint8_t { round_robin, least_connections, client_hash };
  enum class Affinity : std::uint8_t { none, client_address, cookie };
  enum class BackendProtocol : std::uint8_t { http1_1, h2 };
  enum class ProxyHeader : std::uint8_t { none, v1, v2 };

  struct BackendTls {
    bool verify = false;
    std::optional<std::string> server_name; // absent: the server's host
    std::optional<std::string> ca_file;     // absent: the system's

    friend bool operator==(const BackendTls&, const BackendTls&) = default;
  };

  struct Health {
    std::string path = "/api/client/v2/status";
    core::Duration interval = std::chrono::seconds{5};
    core::Duration timeout = std::chrono::seconds{2}; // not above the interval
    unsigned fall = 2;
    unsigned rise = 2;

    friend bool operator==(const Health&, const Health&) = default;
  };

  struct Retry {
    bool on_connect = true;
    bool on_timeout = false;
    std::vector<unsigned> on_status = {502, 503, 504};
    unsigned attempts = 2; // servers tried for one request, the first included
    bool non_idempotent = false;
    unsigned budget = 20; // percent of a pool's requests that may be tried again

    friend bool operator==(const Retry&, const Retry&) = default;
  };

  struct Pool {
    std::vector<Server> servers; // at least one, all different
    Policy policy = Policy::round_robin;
    Affinity affinity = Affinity::client_address;
    BackendTls tls;
    std::optional<Health> health; // absent: no active checks
    core::Duration slow_start{0}; // for a server that has come back
    Retry retry;
    BackendProtocol protocol = BackendProtocol::http1_1;
    ProxyHeader proxy_protocol = ProxyHeader::none; // not with h2

    friend bool operator==(const Pool&, const Pool&) = default;
  };

  struct HeaderField {
    std::string name;
    std::string value;

    friend bool operator==(const HeaderField&, const HeaderField&) = default;
  };

  struct StaticFolder {
    std::string folder;
    std::vector<std::string> index = {"index.html"};
    std::optional<std::string> fallback;      // a path below the folder
    std::optional<std::string> cache_control; // a header value
    std::map<std::string, std::string> types; // by ending, without its dot
    bool precompressed = true;

    friend bool operator==(const StaticFolder&, const StaticFolder&) = default;
  };
  struct Redirect {
    std::string location; // a path from the root, or a whole http(s) URL
    unsigned status = 302;

    friend bool operator==(const Redirect&, const Redirect&) = default;
  };
  struct ToPool {
    std::string pool; // is in `pools`
    bool websocket = false;
    std::optional<std::string> rewrite; // takes the place of the route's path

    friend bool operator==(const ToPool&, const ToPool&) = default;
  };
  struct IceServers {
    struct Server {
      std::vector<std::string> urls; // at least one
      unsigned weight = 1;

      friend bool operator==(const Server&, const Server&) = default;
    };
    std::string pool;            // is in `pools`
    std::string check;           // a path; one of its segments may be "*"
    std::vector<Server> servers; // at least one
    unsigned most = 2;
    core::Secret secret;
    core::Duration ttl = std::chrono::hours{1};
    std::vector<std::string> origins;

    friend bool operator==(const IceServers& a, const IceServers& b) {
      return a.pool == b.pool && a.check == b.check && a.servers == b.servers && a.most == b.most &&
             a.secret.reveal() == b.secret.reveal() && a.ttl == b.ttl && a.origins == b.origins;
    }
  };
  struct FixedAnswer {
    unsigned status = 200;
    std::string body;
    std::vector<HeaderField> headers;

    friend bool operator==(const FixedAnswer&, const FixedAnswer&) = default;
  };

  struct Route {
    std::vector<std::string> hosts;   // lower case, or "*.example.com"; none: every host
    std::vector<std::string> methods; // none: every method
    std::string path = "/";           // starts with '/'
    bool exact = false;               // else the path and what lies below it
    std::variant<Redirect, ToPool, StaticFolder, FixedAnswer, IceServers> target = Redirect{};

    friend bool operator==(const Route&, const Route&) = default;
  };

  enum class Paths : std::uint8_t { open, conferencing };

  struct ContentSecurityPolicy {
    enum class Kind : std::uint8_t { off, standard, own } kind = Kind::standard;
    std::string own; // a header value, with Kind::own

    friend bool operator==(const ContentSecurityPolicy&, const ContentSecurityPolicy&) = default;
  };

  enum class UnderscoreHeaders : std::uint8_t { drop, keep, refuse };

  struct Compression {
    bool enabled = false;
    std::uint64_t least_bytes = 1024;
    std::vector<std::string> types; // lower case; none: the built-in ones

    friend bool operator==(const Compression&, const Compression&) = default;
  };

  struct ServerHeader {
    enum class Kind : std::uint8_t { pass, remove, own } kind = Kind::pass;
    std::string own; // a header value, with Kind::own

    friend bool operator==(const ServerHeader&, const ServerHeader&) = default;
  };

  struct PinGuard {
    enum class Count : std::uint8_t { wrong_pins, denied_tokens };
    enum class Answer : std::uint8_t { forbidden, too_many_requests, close };
    struct Room {
      bool enabled = true;
      core::Duration find_time = std::chrono::seconds{600};
      unsigned slow_after = 10;
      unsigned max_failures = 18; // not below slow_after
      core::Duration pace = std::chrono::seconds{20};
      core::Duration remember = std::chrono::hours{12};

      friend bool operator==(const Room&, const Room&) = default;
    };
    bool enabled = false;
    bool dry_run = false;
    bool widen_ipv6 = true;
    Count count = Count::wrong_pins;
    Answer answer = Answer::too_many_requests;
    logging::Format audit_format = logging::Format::text;
    unsigned max_failures = 5;
    unsigned shared_max_failures = 50;
    unsigned growth = 1;
    core::Duration find_time = std::chrono::seconds{300};
    core::Duration ban_time = std::chrono::seconds{300};
    core::Duration max_ban_time = std::chrono::hours{24}; // not below ban_time where bans grow
    core::Duration remember = std::chrono::hours{24};
    core::NetworkList ignore;
    core::NetworkList shared_networks;
    Room room;
    // Each with one '*' between two slashes, for the room.
    std::vector<std::string> paths = {"/api/client/v2/conferences/*/request_token"};
    std::optional<std::string> state;     // a file; absent: bans don't survive a restart
    std::optional<redis::Server> redis;   // instead: counts and bans are common to all who use it
    std::optional<std::string> audit_log; // a file; absent: none

    friend bool operator==(const PinGuard&, const PinGuard&) = default;
  };

  struct Dns {
    std::vector<std::string> servers; // "192.0.2.1:53"; empty: the system's
    core::Duration refresh =
        std::chrono::seconds{30}; // names are looked up again so often at least

    friend bool operator==(const Dns&, const Dns&) = default;
  };

  struct Limits {                                          // config::kNoLimit: none
    std::uint64_t header_bytes = std::uint64_t{64} * 1024; // never above kMaxHeaderBytes
    std::uint64_t header_count = 128;                      // never above kMaxHeaderCount
    std::uint64_t body_bytes = config::kNoLimit;
    std::uint64_t connections = config::kNoLimit;
    std::uint64_t connections_per_client = config::kNoLimit;
    std::uint64_t streams_per_connection = 128; // never above kMaxStreams
    std::uint64_t least_upload_rate = 240;      // bytes a second
    std::uint64_t least_download_rate = 240;

    friend bool operator==(const Limits&, const Limits&) = default;
  };
  // "0: none" stops here: what waits in memory is bounded in any case.
  static constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{1024} * 1024;
  static constexpr std::uint64_t kMaxHeaderCount = 4096;
  static constexpr std::uint64_t kMaxStreams = 1024;

  struct Timeouts {
    core::Duration handshake = std::chrono::seconds{10};
    core::Duration head = std::chrono::seconds{10};
    core::Duration body = std::chrono::seconds{30};
    core::Duration keep_alive = std::chrono::seconds{65};
    core::Duration connect = std::chrono::seconds{3};
    core::Duration response = std::chrono::seconds{60};
    core::Duration stream_idle = std::chrono::hours{1};
    core::Duration backend_idle = std::chrono::seconds{60};

    friend bool operator==(const Timeouts&, const Timeouts&) = default;
  };

  enum class AccessFormat : std::uint8_t { pexip, combined, extended, json };

  struct Log {
    logging::Level level = logging::Level::info;
    logging::Format format = logging::Format::text;
    std::optional<std::string> access; // a file; absent: no access log
    AccessFormat access_format = AccessFormat::pexip;

    friend bool operator==(const Log&, const Log&) = default;
  };

  unsigned workers = 0; // 0: one per core
  core::Duration drain_timeout = std::chrono::seconds{30};
  core::Duration take_over_timeout = std::chrono::hours{12}; // zero: none
  config::ReloadRules reload;
  config::Sandbox sandbox;
  std::vector<std::string> files_read; // users and secrets, beside this one
  std::vector<Listener> listeners;     // at least one
  std::map<std::string, Pool> pools;
  std::vector<Route> routes; // the most specific that matches serves
  Paths paths = Paths::open;
  std::vector<std::string> branding_paths; // with Paths::conferencing: first segments let through
  ContentSecurityPolicy content_security_policy;
  std::optional<std::string> hsts; // a header value; absent: off
  ServerHeader server_header;
  Compression compression;
  UnderscoreHeaders underscore_headers = UnderscoreHeaders::drop;
  bool forwarded = false;                                 // backends get Forwarded (RFC 7239), too
  std::optional<std::string> request_id = "x-request-id"; // in lower case; absent: off
  std::map<unsigned, std::string> error_pages;            // files, by status
  core::Secret
      session_tickets; // of TLS: what their keys are derived from; empty: each process has its own
  PinGuard pin_guard;
  core::NetworkList trusted_proxies;
  Dns dns;
  Limits limits;
  Timeouts timeouts;
  Log log;
  config::Admin admin{.address = core::SocketAddress(core::IpAddress::v4(127, 0, 0, 1), 9442),
                      .socket = "/run/vestibule/rproxyd.sock"};
};

// Reads and checks the file. The error holds everything that is wrong with it, warnings included.
std::expected<config::Loaded<Settings>, config::Problems> load(
    const std::string& path, const config::Surroundings& surroundings);

} // namespace rproxyd
