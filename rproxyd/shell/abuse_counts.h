// What clients do that costs us more than them: counted by kind, and said in the log at most once a
// minute a kind, however much there is of it. All workers share one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/base/time.h"
#include "libcore/log/log.h"

namespace rproxyd {

enum class Abuse : std::uint8_t {
  // HTTP/2 (H2FloodGuard and H2ClientSession; on_flood() tells them by these names)
  resets,
  provoked_resets,
  refused_requests,
  continuations,
  empty_frames,
  control_frames,
  window_updates,
  streams,
  // all versions
  header_bombs,    // more header bytes or fields than allowed
  slow_handshakes, // TLS that is begun and not ended
  slow_heads,      // slowloris
  slow_bodies,
  slow_readers, // answers that are not taken
  connections,  // more than allowed
};

class AbuseCounts {
 public:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(Abuse::connections) + 1;
  static constexpr core::Duration kBetweenLines = std::chrono::minutes(1);

  // Of any thread.
  void note(Abuse kind, const core::SocketAddress& client, const core::Now& now,
            logging::Logger& log);
  void note_flood(std::string_view what, const core::SocketAddress& client, const core::Now& now,
                  logging::Logger& log);
  std::uint64_t count(Abuse kind) const { return at(kind).count; }
  static std::string_view name(Abuse kind);

 private:
  struct Kind {
    std::atomic<std::uint64_t> count = 0;
    std::atomic<std::uint64_t> said = 0;             // of them
    std::atomic<core::Duration::rep> silent_until{}; // since the steady clock's begin
  };
  Kind& at(Abuse kind) { return kinds_[static_cast<std::size_t>(kind)]; }
  const Kind& at(Abuse kind) const { return kinds_[static_cast<std::size_t>(kind)]; }

  std::array<Kind, kKinds> kinds_;
};

} // namespace rproxyd
