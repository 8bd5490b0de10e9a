// How often each status was answered. The codes that say something to an operator have a count of their
// own, the others one a class, so that there are no more labels than these, whatever nodes answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rproxyd {

class StatusCounts {
 public:
  // 499: the client was gone before it had an answer.
  static constexpr std::array<std::uint16_t, 28> kCodes = {
      101, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401,
      403, 404, 405, 408, 413, 426, 429, 431, 499, 500, 501, 502, 503, 504};
  static constexpr std::array<std::string_view, 6> kClasses = {"1xx", "2xx", "3xx",
                                                               "4xx", "5xx", "other"};

  void note(std::uint16_t status);
  StatusCounts& operator+=(const StatusCounts& other);

  std::uint64_t total() const;
  std::uint64_t of_class(unsigned hundreds) const; // 5: all from 500 on, those without a place, too

  // said(label, count) for each that is not zero; a label is "404", or "4xx" for those without a place.
  template <typename Said>
  void each(Said&& said) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      if (i >= kCodes.size()) {
        said(kClasses[i - kCodes.size()], counts_[i]);
        continue;
      }
      const std::array<char, 3> label = {static_cast<char>('0' + kCodes[i] / 100),
                                         static_cast<char>('0' + kCodes[i] / 10 % 10),
                                         static_cast<char>('0' + kCodes[i] % 10)};
      said(std::string_view(label.data(), label.size()), counts_[i]);
    }
  }

 private:
  std::array<std::uint64_t, kCodes.size() + kClasses.size()> counts_{};
};

} // namespace rproxyd
