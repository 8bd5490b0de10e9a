// Watches the frames of an HTTP/2 client for floods that cost us more than they cost the sender
// (proxy rule 9): resets (Rapid Reset, CVE-2023-44487), requests whose reset the client provokes
// (MadeYouReset, CVE-2025-8671), pings, settings, empty frames, window updates (CVE-2019-9511 to
// 9518). It reads the frame headers itself, so that frames that nghttp2 passes over count, too.
//
// Each kind has a budget: a burst, and so many a second on top. Budgets are far above what clients
// in good faith do.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "libcore/base/bytes.h"
#include "libcore/base/time.h"

namespace rproxyd {

class FrameBudget {
 public:
  constexpr FrameBudget(double burst, double per_second)
      : burst_(burst), per_second_(per_second), left_(burst) {}
  bool take(core::TimePoint now); // false: used up
  void give(double more);         // never over the burst

 private:
  double burst_;
  double per_second_;
  double left_;
  core::TimePoint filled_at_{};
};

class H2FloodGuard {
 public:
  static constexpr unsigned kContinuations = 8; // of one header block (CVE-2024-28182)
  static constexpr FrameBudget kResets{200, 20};
  static constexpr FrameBudget kOffences{100, 5};       // provoked resets and refused requests
  static constexpr FrameBudget kControlFrames{400, 40}; // PING, SETTINGS, PRIORITY, unknown ones …
  static constexpr FrameBudget kEmptyFrames{50, 5};     // no bytes, and nothing ends
  static constexpr FrameBudget kWindowUpdates{1000, 50};
  // A client may update two windows for each DATA frame, and some do so for each half of one.
  static constexpr double kWindowUpdatesPerDataFrame = 4;
  static constexpr double kWindowUpdatesPerRequest = 2;

  // Looks at the next bytes of the connection. nullopt when all is well, else what there is too
  // much of (a literal); once it has said that, it is not to be asked again.
  std::optional<std::string_view> look_at(core::Bytes bytes, core::TimePoint now);

  void data_frame_sent() { window_updates_.give(kWindowUpdatesPerDataFrame); }
  // The client made us reset a stream, or refuse a request. False: too often.
  bool take_offence(core::TimePoint now) { return offences_.take(now); }

  // A header block has begun and has not ended.
  bool in_header_block() const { return in_header_block_; }

 private:
  static constexpr std::size_t kPrefaceBytes = 24;
  static constexpr std::size_t kFrameHeaderBytes = 9;

  std::optional<std::string_view> judge_frame(core::TimePoint now);
  void frame_ended();

  FrameBudget resets_ = kResets;
  FrameBudget offences_ = kOffences;
  FrameBudget control_frames_ = kControlFrames;
  FrameBudget empty_frames_ = kEmptyFrames;
  FrameBudget window_updates_ = kWindowUpdates;

  std::size_t preface_left_ = kPrefaceBytes;
  std::array<std::uint8_t, kFrameHeaderBytes> header_{};
  std::size_t header_size_ = 0; // bytes of it that have come
  std::size_t payload_left_ = 0;
  bool in_header_block_ = false;
  unsigned continuations_ = 0;
};

} // namespace rproxyd
