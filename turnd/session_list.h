// The daemon's list of sessions as the command line shows it: rates, order, a table.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libcore/program/terminal.h"

namespace turnd {

struct SessionRow {
  struct Way {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    double bits_per_second = 0;
  };
  std::string id;
  std::string user;
  std::string client;
  std::string via; // the client's transport
  std::string relays;
  std::uint64_t age = 0;  // seconds
  std::uint64_t left = 0; // likewise
  std::uint64_t permissions = 0;
  std::uint64_t channels = 0;
  bool connected = true;
  Way to_peers;
  Way to_client;

  double rate() const { return to_peers.bits_per_second + to_client.bits_per_second; }
};

enum class SessionOrder : unsigned char { age, rate, bytes, left, user, client };

// What the daemon answered, at its time.
struct SessionList {
  double at = 0; // seconds of the daemon's clock
  std::uint64_t workers_missing = 0;
  std::vector<SessionRow> rows;

  static SessionList read(const nlohmann::json& answer);
  // From what each session had relayed at another time before. What is new has no rate yet.
  void find_rates(const SessionList& before);
  void sort(SessionOrder order); // what somebody looks for comes first: the oldest, the fastest, …

  std::string table(const program::Terminal& terminal, std::size_t at_most) const;
  // "12 sessions, 3.4 Mbit/s to peers, 3.3 Mbit/s to clients"
  std::string summary() const;
};

} // namespace turnd
