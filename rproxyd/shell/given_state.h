// What one rproxyd knows and the next one goes on with, as messages of a take-over (libcore/take_over).
// A message is an object whose "what" says which; a receiver passes over those it does not know. Lists
// come in pieces, so that no message is too large.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libcore/base/time.h"
#include "rproxyd/guard/guard_state.h"
#include "rproxyd/guard/pin_guard.h"
#include "rproxyd/proxy/backend_pool.h"

namespace rproxyd {

inline constexpr std::size_t kEntriesPerMessage = 5000;

std::vector<nlohmann::json> messages_of(const GuardState& state, const core::Now& now);
std::vector<nlohmann::json> messages_of(const std::string& pool, const PoolState& state);

// What all messages together say. Messages of other kinds are passed over; false: one of these can't
// be understood.
struct GivenState {
  std::optional<GuardState> guard;
  std::vector<std::pair<std::string, PoolState>> pools; // by name
};
bool add(GivenState& to, const nlohmann::json& message, const core::Now& now);

// ---- what is found out after that, in notes

struct NotedAttempt {
  PinAttempt attempt;
  Outcome outcome = Outcome::none;
};
struct NotedHome { // of a client
  std::string pool;
  core::IpAddress client;
  BackendKey backend{};
};
nlohmann::json note_of(const NotedAttempt& attempt);
nlohmann::json note_of(const NotedHome& home);
std::optional<NotedAttempt> attempt_of(const nlohmann::json& note);
std::optional<NotedHome> home_of(const nlohmann::json& note);

} // namespace rproxyd
