#include "rproxyd/shell/abuse_counts.h"

#include <algorithm>

namespace rproxyd {
namespace {

constexpr std::array<std::string_view, AbuseCounts::kKinds> kNames = {
    "resets",         "provoked resets", "refused requests", "continuations", "empty frames",
    "control frames", "window updates",  "streams",          "header bombs",  "slow handshakes",
    "slow heads",     "slow bodies",     "slow readers",     "connections"};

} // namespace

std::string_view AbuseCounts::name(Abuse kind) { return kNames[static_cast<std::size_t>(kind)]; }

void AbuseCounts::note_flood(std::string_view what, const core::SocketAddress& client,
                             const core::Now& now, logging::Logger& log) {
  const auto found = std::ranges::find(kNames, what);
  if (found != kNames.end()) note(static_cast<Abuse>(found - kNames.begin()), client, now, log);
}

void AbuseCounts::note(Abuse kind, const core::SocketAddress& client, const core::Now& now,
                       logging::Logger& log) {
  Kind& of = at(kind);
  const std::uint64_t count = ++of.count;
  const auto since = now.steady.time_since_epoch();
  auto until = of.silent_until.load();
  if (since.count() < until) return;
  // One thread says it.
  if (!of.silent_until.compare_exchange_strong(until, (since + kBetweenLines).count())) return;
  const std::uint64_t said = of.said.exchange(count);
  log.warning("client.abuse",
              "a client costs more than it should; more of the kind is only counted for a minute",
              logging::field("kind", name(kind)), logging::field("client", client),
              logging::field("since_the_last_line", count - said), logging::field("count", count));
}

} // namespace rproxyd
