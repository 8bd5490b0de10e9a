#include "turnd/session_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "libcore/base/text.h"
#include "libcore/program/amounts.h"
#include "libcore/program/table.h"

namespace turnd {
namespace {

using program::Table;

// A name may be anything that a shared secret was used for.
std::string printable(const nlohmann::json& value) {
  std::string text;
  core::append_escaped(text, value.get_ref<const std::string&>());
  return text;
}

SessionRow::Way read_way(const nlohmann::json& value) {
  return {.packets = value.at("packets"), .bytes = value.at("bytes"), .bits_per_second = 0};
}

double rate_of(const SessionRow::Way& now, const SessionRow::Way& before, double seconds) {
  if (now.bytes < before.bytes) return 0;
  return static_cast<double>(now.bytes - before.bytes) * 8 / seconds;
}

std::string span(std::uint64_t seconds) {
  return program::time_span(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

std::uint64_t bytes_of(const SessionRow& row) { return row.to_peers.bytes + row.to_client.bytes; }

Table::Column left(const char* title, unsigned rank, std::size_t shortest = Table::kWhole) {
  return {.title = title, .side = Table::Side::left, .shortest = shortest, .rank = rank};
}
Table::Column right(const char* title, unsigned rank) {
  return {.title = title, .side = Table::Side::right, .shortest = Table::kWhole, .rank = rank};
}

} // namespace

SessionList SessionList::read(const nlohmann::json& answer) {
  SessionList list;
  list.at = answer.at("at_seconds");
  list.workers_missing = answer.at("workers_missing");
  for (const auto& each : answer.at("sessions")) {
    SessionRow& row = list.rows.emplace_back();
    row.id = printable(each.at("id"));
    row.user = printable(each.at("user"));
    row.client = printable(each.at("client"));
    row.via = printable(each.at("transport"));
    for (const auto& relay : each.at("relays")) {
      if (!row.relays.empty()) row.relays += ", ";
      row.relays += printable(relay);
    }
    row.age = each.at("age_seconds");
    row.left = each.at("seconds_left");
    row.permissions = each.at("permissions");
    row.channels = each.at("channels");
    row.connected = each.at("connected");
    row.to_peers = read_way(each.at("to_peers"));
    row.to_client = read_way(each.at("to_client"));
  }
  return list;
}

void SessionList::find_rates(const SessionList& before) {
  const double seconds = at - before.at;
  if (seconds <= 0) return;
  std::unordered_map<std::string_view, const SessionRow*> known;
  for (const SessionRow& row : before.rows) known.emplace(row.id, &row);
  for (SessionRow& row : rows) {
    const auto found = known.find(row.id);
    if (found == known.end()) continue;
    row.to_peers.bits_per_second = rate_of(row.to_peers, found->second->to_peers, seconds);
    row.to_client.bits_per_second = rate_of(row.to_client, found->second->to_client, seconds);
  }
}

void SessionList::sort(SessionOrder order) {
  const auto by = [this](auto less) { std::ranges::stable_sort(rows, less); };
  by([](const SessionRow& a, const SessionRow& b) { return a.age > b.age; });
  switch (order) {
    case SessionOrder::age:
      return;
    case SessionOrder::rate:
      return by([](const SessionRow& a, const SessionRow& b) { return a.rate() > b.rate(); });
    case SessionOrder::bytes:
      return by([](const SessionRow& a, const SessionRow& b) { return bytes_of(a) > bytes_of(b); });
    case SessionOrder::left:
      return by([](const SessionRow& a, const SessionRow& b) { return a.left < b.left; });
    case SessionOrder::user:
      return by([](const SessionRow& a, const SessionRow& b) { return a.user < b.user; });
    case SessionOrder::client:
      return by([](const SessionRow& a, const SessionRow& b) { return a.client < b.client; });
  }
}

std::string SessionList::table(const program::Terminal& terminal, std::size_t at_most) const {
  constexpr std::size_t kShortestName = 8;
  Table table({left("ID", 0), left("USER", 0, kShortestName), left("CLIENT", 1), left("VIA", 3),
               left("RELAYED", 6), right("AGE", 2), right("LEFT", 7), right("PERM", 8),
               right("CHAN", 8), right("PKTS UP", 5), right("PKTS DOWN", 5), right("UP", 4),
               right("DOWN", 4), right("TO PEERS", 0), right("TO CLIENT", 0)});
  const std::size_t shown = std::min(at_most, rows.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const SessionRow& row = rows[i];
    const auto style = row.connected ? program::Style::plain : program::Style::faint;
    table.add({{row.id, style},
               {row.user, style},
               {row.client, style},
               row.connected ? row.via : "away",
               {row.relays, style},
               span(row.age),
               span(row.left),
               std::to_string(row.permissions),
               std::to_string(row.channels),
               program::grouped(row.to_peers.packets),
               program::grouped(row.to_client.packets),
               program::byte_amount(row.to_peers.bytes),
               program::byte_amount(row.to_client.bytes),
               program::bit_rate(row.to_peers.bits_per_second),
               program::bit_rate(row.to_client.bits_per_second)});
  }
  std::string text = table.text(terminal);
  if (shown < rows.size()) {
    text += fmt::format("… and {} more\n", program::grouped(rows.size() - shown));
  }
  return text;
}

std::string SessionList::summary() const {
  double up = 0;
  double down = 0;
  for (const SessionRow& row : rows) {
    up += row.to_peers.bits_per_second;
    down += row.to_client.bits_per_second;
  }
  std::string text = fmt::format("{} {}, {} to peers, {} to clients", program::grouped(rows.size()),
                                 rows.size() == 1 ? "session" : "sessions", program::bit_rate(up),
                                 program::bit_rate(down));
  if (workers_missing != 0) {
    text += fmt::format(" ({} workers are too busy to say)", workers_missing);
  }
  return text;
}

} // namespace turnd
