// An event of the origin's streams, as it lies in a chunk: with the time at which it was sent.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace bench {

inline constexpr char kEventMark = '~'; // stands in each event once, and nowhere else
inline constexpr std::size_t kEventTimeDigits = 16;
inline constexpr std::string_view kAfterTime = R"(","muted":)";
inline constexpr std::size_t kEventTimeBefore = kEventTimeDigits + kAfterTime.size(); // of the mark

inline std::string event_chunk(std::chrono::nanoseconds now) {
  char text[160];
  const int size = std::snprintf(
      text, sizeof text, "event: participant_update\ndata: {\"at\":\"%016llx%s%c}\n\n",
      static_cast<unsigned long long>(now.count()), kAfterTime.data(), kEventMark);
  char head[16];
  std::snprintf(head, sizeof head, "%x\r\n", static_cast<unsigned>(size));
  return std::string(head) + text + "\r\n";
}

} // namespace bench
