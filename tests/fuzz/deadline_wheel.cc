// The input is a list of operations on a wheel with 16 deadlines, each checked against a model that
// is slow and plain (tests/unit/libcore/base/wheel_model.h).
//
//   operation   1 byte: what to do (low 3 bits) and what the next deadline that fires does (high 3)
//   deadline    1 byte
//   distance    1 byte of magnitude, 2 bytes of value; only where one is set or time goes on
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "libcore/base/bytes.h"
#include "tests/unit/libcore/base/wheel_model.h"

namespace {

constexpr std::size_t kDeadlines = 16;
constexpr std::size_t kMaxOperations = 2000;
// Time stops before the clock's type ends: 90 years.
constexpr auto kLast = core::TimePoint() + std::chrono::hours(24 * 365 * 90);

// From a fraction of a tick to years: value * 2^magnitude microseconds.
core::Duration distance(core::ByteReader& input) {
  const unsigned magnitude = input.u8().value_or(0) % 36;
  const auto value = static_cast<std::int64_t>(input.u16().value_or(0));
  return std::chrono::microseconds(value << magnitude);
}

void apply(WheelModel& model, unsigned what, std::size_t which, core::ByteReader& input) {
  switch (what) {
    case 0:
    case 1:
      return model.set(which, model.now() + distance(input));
    case 2:
      return model.set(which, model.now() - distance(input));
    case 3:
      return model.cancel(which);
    case 4:
      return model.replace(which);
    default:
      return;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  core::ByteReader input({data, size});
  WheelModel model(core::TimePoint() + std::chrono::hours(5), kDeadlines);
  for (std::size_t i = 0; i < kMaxOperations && !input.empty(); ++i) {
    const unsigned operation = input.u8().value_or(0);
    const std::size_t which = input.u8().value_or(0) % kDeadlines;
    switch (operation & 7U) {
      case 5: {
        auto to = model.now() + distance(input);
        if (to > kLast) return 0;
        bool done = false;
        model.advance(to, [&](std::size_t fired) {
          if (std::exchange(done, true)) return;
          apply(model, operation >> 5, operation & 8U ? fired : which, input);
        });
        break;
      }
      case 6:
        if (const auto next = model.wheel().next(); next && *next <= kLast) model.advance(*next);
        break;
      case 7:
        model.set(which, operation & 8U ? core::TimePoint::max() : core::TimePoint::min());
        break;
      default:
        apply(model, operation & 7U, which, input);
    }
    if (!model.problem().empty()) {
      std::fprintf(stderr, "operation %zu: %s\n", i, model.problem().c_str());
      std::abort();
    }
  }
  return 0;
}
