// The command "sessions" of the admin socket: lists allocations, ends one.
//
//   {"command": "sessions", "action": "list", "user": "alice", "client": "192.0.2.0/24", "peers": true}
//       {"ok": true, "at_seconds": 1234.5, "workers_missing": 0, "sessions": [{"id": "0-17", …}]}
//   {"command": "sessions", "action": "kill", "id": "0-17"}
//       {"ok": true, "session": {"id": "0-17", …}}
//
// "user" and "client" choose, "peers" asks for who they talk to; all three may be left out. Rates are the
// differences of two lists over the difference of their "at_seconds".
#pragma once

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "turnd/shell/worker.h"

namespace turnd {

class SessionCommands {
 public:
  // A worker that is busy for longer has no part in the answer.
  static constexpr core::Duration kPatience = std::chrono::seconds(3);

  // `workers` must outlive it.
  explicit SessionCommands(std::vector<Worker*> workers) : workers_(std::move(workers)) {}

  nlohmann::json answer(const nlohmann::json& question);

 private:
  nlohmann::json list(const nlohmann::json& question);
  nlohmann::json end(const nlohmann::json& question);

  std::vector<Worker*> workers_;
};

} // namespace turnd
