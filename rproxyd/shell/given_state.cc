#include "rproxyd/shell/given_state.h"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <utility>

#include "rproxyd/guard/ban_file.h"

namespace rproxyd {
namespace {

using nlohmann::json;

// Bans were checked against their longest when they were made.
constexpr core::Duration kLongestBan = std::chrono::hours(24 * 366);

// For what no moment, number, address or network can be read from: caught with the library's own.
struct NotUnderstood {};

// The clock of a guard begins with the machine, or in 1970 where it is a Redis server's. What is read
// further away was never a moment of either, and could overflow when a duration is added.
constexpr core::Duration kFarthest = std::chrono::hours(24 * 366 * 150);
constexpr std::uint64_t kMostFailures = 100'000; // of one moment: more than any limit

std::int64_t number_of(core::TimePoint when) { return when.time_since_epoch().count(); }
core::TimePoint time_of(const json& number) {
  if (!number.is_number_integer()) throw NotUnderstood();
  const core::Duration since(number.get<std::int64_t>());
  if (since < core::Duration::zero() || since > kFarthest) throw NotUnderstood();
  return core::TimePoint(since);
}

// What is larger than T would be another number, or none that the language knows.
template <std::unsigned_integral T>
T whole(const json& number) {
  if (!number.is_number_unsigned()) throw NotUnderstood();
  const auto value = number.get<std::uint64_t>();
  if (!std::in_range<T>(value)) throw NotUnderstood();
  return static_cast<T>(value);
}

BackendKey key_of(const json& number) {
  return static_cast<BackendKey>(whole<std::uint64_t>(number));
}

std::size_t failures_in(const json& number) {
  return std::min(whole<std::uint64_t>(number), kMostFailures);
}

json json_of(const GuardState::Failures& failures) {
  json moments = json::array();
  for (const auto& moment : failures) moments.push_back({number_of(moment.when), moment.failures});
  return moments;
}
GuardState::Failures failures_of(const json& moments) {
  GuardState::Failures failures;
  for (const json& each : moments)
    failures.push_back({.when = time_of(each.at(0)), .failures = failures_in(each.at(1))});
  return failures;
}

ClientNetwork network_of_text(const json& text) {
  const auto network = parse_client_network(text.get<std::string>());
  if (!network) throw NotUnderstood();
  return *network;
}
core::IpAddress address_of_text(const json& text) {
  const auto address = core::IpAddress::parse(text.get<std::string>());
  if (!address) throw NotUnderstood();
  return *address;
}

template <typename Entry, typename Convert>
void append_in_pieces(std::vector<json>& messages, const json& head,
                      const std::vector<Entry>& entries, Convert&& convert) {
  for (std::size_t i = 0; i < entries.size(); i += kEntriesPerMessage) {
    json list = json::array();
    const std::size_t end = std::min(entries.size(), i + kEntriesPerMessage);
    for (std::size_t k = i; k < end; ++k) list.push_back(convert(entries[k]));
    json message = head;
    message["entries"] = std::move(list);
    messages.push_back(std::move(message));
  }
}

void add_guard(GuardState& to, std::string_view part, const json& entry) {
  if (part == "client") {
    to.clients.push_back({network_of_text(entry.at(0)), failures_of(entry.at(1))});
  } else if (part == "wide") {
    GuardState::Wide& wide =
        to.wide.emplace_back(network_of_text(entry.at(0)), failures_of(entry.at(1)));
    for (const json& each : entry.at(2))
      wide.parts.emplace_back(network_of_text(each.at(0)), time_of(each.at(1)));
  } else if (part == "room") {
    to.rooms.push_back({entry.at(0).get<std::string>(), failures_of(entry.at(1)),
                        time_of(entry.at(2)), entry.at(3).get<bool>()});
  } else if (part == "pair") {
    to.pairs.push_back(
        {network_of_text(entry.at(0)), entry.at(1).get<std::string>(), failures_of(entry.at(2))});
  } else if (part == "entrant") {
    to.entrants.push_back(
        {network_of_text(entry.at(0)), entry.at(1).get<std::string>(), time_of(entry.at(2))});
  }
}

void add_pool(PoolState& to, std::string_view part, const json& entry) {
  if (part == "node") {
    const auto state = whole<unsigned>(entry.at(5));
    if (state > static_cast<unsigned>(BackendHealth::State::down)) throw NotUnderstood();
    to.nodes.push_back({.key = key_of(entry.at(0)),
                        .broken = whole<unsigned>(entry.at(1)),
                        .failures = whole<unsigned>(entry.at(2)),
                        .back_off_until = time_of(entry.at(3)),
                        .back_since = time_of(entry.at(4)),
                        .health = BackendHealth(BackendHealth::Seen{
                            static_cast<BackendHealth::State>(state), entry.at(6).get<bool>(),
                            whole<unsigned>(entry.at(7))})});
  } else if (part == "home") {
    to.clients.push_back({.address = address_of_text(entry.at(0)),
                          .backend = key_of(entry.at(1)),
                          .seen = time_of(entry.at(2)),
                          .settled = entry.at(3).get<bool>()});
  }
}

// False: something in the message is missing or of another type.
template <typename Reading>
bool understood(Reading&& reading) {
  try {
    reading();
    return true;
  } catch (const json::exception&) {
    return false;
  } catch (const NotUnderstood&) {
    return false;
  }
}

} // namespace

std::vector<json> messages_of(const GuardState& state, const core::Now& now) {
  std::vector<json> messages;
  messages.push_back({{"what", "bans"}, {"text", write_bans(state.bans, now)}});
  const auto part = [](const char* name) { return json{{"what", "guard"}, {"part", name}}; };
  append_in_pieces(messages, part("client"), state.clients, [](const auto& each) {
    return json{each.network.to_string(), json_of(each.failures)};
  });
  append_in_pieces(messages, part("wide"), state.wide, [](const auto& each) {
    json parts = json::array();
    for (const auto& [network, when] : each.parts)
      parts.push_back({network.to_string(), number_of(when)});
    return json{each.network.to_string(), json_of(each.failures), std::move(parts)};
  });
  append_in_pieces(messages, part("room"), state.rooms, [](const auto& each) {
    return json{each.room, json_of(each.failures), number_of(each.paced), each.slow};
  });
  append_in_pieces(messages, part("pair"), state.pairs, [](const auto& each) {
    return json{each.network.to_string(), each.room, json_of(each.failures)};
  });
  append_in_pieces(messages, part("entrant"), state.entrants, [](const auto& each) {
    return json{each.network.to_string(), each.door, number_of(each.when)};
  });
  return messages;
}

std::vector<json> messages_of(const std::string& pool, const PoolState& state) {
  std::vector<json> messages;
  const auto part = [&](const char* name) {
    return json{{"what", "pool"}, {"pool", pool}, {"part", name}};
  };
  append_in_pieces(messages, part("node"), state.nodes, [](const PoolState::Node& each) {
    const BackendHealth::Seen seen = each.health.seen();
    return json{static_cast<std::uint64_t>(each.key),
                each.broken,
                each.failures,
                number_of(each.back_off_until),
                number_of(each.back_since),
                static_cast<unsigned>(seen.state),
                seen.checked,
                seen.in_a_row};
  });
  append_in_pieces(messages, part("home"), state.clients, [](const PoolState::Client& each) {
    return json{each.address.to_string(), static_cast<std::uint64_t>(each.backend),
                number_of(each.seen), each.settled};
  });
  return messages;
}

bool add(GivenState& to, const json& message, const core::Now& now) {
  return understood([&] {
    const auto what = message.at("what").get<std::string>();
    if (what == "bans") {
      auto bans = read_bans(message.at("text").get<std::string>(), now, kLongestBan);
      if (!bans) throw NotUnderstood();
      if (!to.guard) to.guard.emplace();
      to.guard->bans = *std::move(bans);
    } else if (what == "guard") {
      if (!to.guard) to.guard.emplace();
      const auto part = message.at("part").get<std::string>();
      for (const json& entry : message.at("entries")) add_guard(*to.guard, part, entry);
    } else if (what == "pool") {
      const auto name = message.at("pool").get<std::string>();
      auto found = std::ranges::find(to.pools, name, &std::pair<std::string, PoolState>::first);
      if (found == to.pools.end()) {
        to.pools.emplace_back(name, PoolState{});
        found = std::prev(to.pools.end());
      }
      const auto part = message.at("part").get<std::string>();
      for (const json& entry : message.at("entries")) add_pool(found->second, part, entry);
    }
  });
}

// ---- notes

json note_of(const NotedAttempt& noted) {
  return {{"what", "attempt"},
          {"client", noted.attempt.client.to_string()},
          {"room", noted.attempt.room},
          {"extension", noted.attempt.extension},
          {"carries_pin", noted.attempt.carries_pin},
          {"outcome", static_cast<unsigned>(noted.outcome)}};
}

json note_of(const NotedHome& noted) {
  return {{"what", "home"},
          {"pool", noted.pool},
          {"client", noted.client.to_string()},
          {"backend", static_cast<std::uint64_t>(noted.backend)}};
}

std::optional<NotedAttempt> attempt_of(const json& note) {
  NotedAttempt noted;
  const bool read = understood([&] {
    if (note.at("what").get<std::string>() != "attempt") throw NotUnderstood();
    noted.attempt.client = address_of_text(note.at("client"));
    noted.attempt.room = note.at("room").get<std::string>();
    noted.attempt.extension = note.at("extension").get<std::string>();
    noted.attempt.carries_pin = note.at("carries_pin").get<bool>();
    const auto outcome = whole<unsigned>(note.at("outcome"));
    if (outcome > static_cast<unsigned>(Outcome::wrong_pin)) throw NotUnderstood();
    noted.outcome = static_cast<Outcome>(outcome);
  });
  return read ? std::optional(std::move(noted)) : std::nullopt;
}

std::optional<NotedHome> home_of(const json& note) {
  NotedHome noted;
  const bool read = understood([&] {
    if (note.at("what").get<std::string>() != "home") throw NotUnderstood();
    noted.pool = note.at("pool").get<std::string>();
    noted.client = address_of_text(note.at("client"));
    noted.backend = key_of(note.at("backend"));
  });
  return read ? std::optional(std::move(noted)) : std::nullopt;
}

} // namespace rproxyd
