// What one worker counts, in plain numbers on its own thread; a copy is a snapshot. Nothing here is
// named by a client: names are those of the configuration, and kinds are fixed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/histogram.h"
#include "libcore/event/stream.h"
#include "libcore/tls/failure_kind.h"
#include "libcore/tls/session.h"
#include "rproxyd/http/message.h"
#include "rproxyd/proxy/exchange_summary.h"
#include "rproxyd/proxy/status_counts.h"

namespace rproxyd {

struct ExchangeFigures {
  StatusCounts statuses;
  core::Histogram first_byte; // from the request's head to the answer's
  core::Histogram whole;      // to the answer's end; those that last aside

  void note(const ExchangeSummary& summary);
  ExchangeFigures& operator+=(const ExchangeFigures& other);
};

struct PoolFigures {
  ExchangeFigures exchanges;
  core::Histogram connect; // connections that were made for a request, with TLS
  std::uint64_t retries = 0;
  std::uint64_t retries_refused = 0; // the budget was used up

  PoolFigures& operator+=(const PoolFigures& other);
};

// What a connection turned out to be.
enum class ConnectionKind : std::uint8_t { opening, http_1, http_2, turn };
inline constexpr std::array<std::string_view, 4> kConnectionKinds = {"opening", "http_1", "http_2",
                                                                     "turn"};

struct ListenerFigures {
  std::uint64_t accepted = 0;
  std::uint64_t open = 0;
  // Filled in when a snapshot is taken.
  std::string_view transport = "http"; // or "https"
  std::uint32_t number = 0;            // the order in which they were opened
  bool listening = false;              // else a reload has closed it

  ListenerFigures& operator+=(const ListenerFigures& other);
};

enum class ConnectionRefusal : std::uint8_t {
  connections,            // limits.connections
  connections_per_client, // limits.connections_per_client
  banned,
  proxy_header,      // a trusted proxy's did not come, or can't be read
  proxy_header_wait, // too many wait for theirs
};
inline constexpr std::array<std::string_view, 5> kConnectionRefusals = {
    "connections", "connections_per_client", "banned", "proxy_header", "proxy_header_wait"};

struct TlsFigures {
  static constexpr std::array<std::string_view, 3> kVersions = {"TLSv1.2", "TLSv1.3", "other"};
  std::array<std::array<std::uint64_t, 2>, kVersions.size()> handshakes{}; // [version][resumed]
  std::array<std::uint64_t, tls::kFailureKinds.size()> failures{};
  core::Histogram handshake;

  void note(const tls::Session& session, core::Duration took);
  void note(tls::FailureKind kind) { ++failures[static_cast<std::size_t>(kind)]; }
  TlsFigures& operator+=(const TlsFigures& other);
};

struct WorkerFigures {
  static constexpr std::size_t kMaxPools = 256; // over all reloads; what is above is one
  static constexpr std::size_t kMaxListeners = 256;
  static constexpr std::array<std::string_view, 3> kVersions = {"1.0", "1.1", "2"};

  std::map<std::string, PoolFigures, std::less<>> pools;
  std::array<ExchangeFigures, kServedBy> others; // by ServedBy; none for pools
  ExchangeFigures malformed;                     // requests that broke a rule of HTTP
  std::array<std::uint64_t, kVersions.size()> requests_by_version{};
  std::uint64_t exchanges_open = 0;
  std::array<std::uint64_t, 3> lasting_open{};  // by Lasting
  std::array<std::uint64_t, 3> lasting_begun{}; // by Lasting
  std::uint64_t turn_begun = 0;
  std::uint64_t turn_unreachable = 0;

  std::map<std::string, ListenerFigures, std::less<>> listeners; // by address
  std::array<std::uint64_t, kConnectionKinds.size()> connections_open{};
  std::array<std::uint64_t, kConnectionRefusals.size()> connections_refused{};
  std::uint64_t accept_pauses = 0;
  TlsFigures tls;
  event::Traffic clients;
  event::Traffic turn; // both sides of it

  // Filled in when a snapshot is taken.
  struct Kept { // connections to one backend
    std::string pool;
    std::string backend;
    std::uint64_t idle = 0;   // HTTP/1.1, serving nobody
    std::uint64_t shared = 0; // HTTP/2
  };
  std::vector<Kept> kept;
  event::Traffic backends;
  std::uint64_t buffered_bytes = 0;
  std::uint64_t access_lines_lost = 0;

  PoolFigures& pool(std::string_view name);
  ListenerFigures& listener(std::string_view address);
  void note(const ExchangeSummary& summary);
  void note(ConnectionRefusal why) { ++connections_refused[static_cast<std::size_t>(why)]; }
  void note_request(Version version) {
    ++requests_by_version[static_cast<std::size_t>(version)];
    ++exchanges_open;
  }

  std::uint64_t requests() const; // answered, the malformed included
  std::uint64_t server_errors() const;
  std::uint64_t connections() const; // open
  core::Histogram first_byte() const;

  WorkerFigures& operator+=(const WorkerFigures& other);
};

// One open connection, as the figures of its worker have it. They outlive it.
class CountedConnection {
 public:
  CountedConnection(WorkerFigures& figures, ListenerFigures& listener)
      : figures_(figures), listener_(listener) {
    ++listener_.accepted;
    ++listener_.open;
    ++of(kind_);
  }
  ~CountedConnection() {
    --listener_.open;
    --of(kind_);
  }
  CountedConnection(const CountedConnection&) = delete;
  CountedConnection& operator=(const CountedConnection&) = delete;

  void is(ConnectionKind kind) {
    --of(kind_);
    kind_ = kind;
    ++of(kind_);
  }

 private:
  std::uint64_t& of(ConnectionKind kind) {
    return figures_.connections_open[static_cast<std::size_t>(kind)];
  }

  WorkerFigures& figures_;
  ListenerFigures& listener_;
  ConnectionKind kind_ = ConnectionKind::opening;
};

} // namespace rproxyd
