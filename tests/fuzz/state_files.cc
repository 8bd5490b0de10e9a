// Any bytes as what daemons read from files: users of turnd, loads of others, bans of rproxyd. What is written reads the same; and as
// the first bytes of a port that two protocols share, whose verdict never changes with what follows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "rproxyd/guard/ban_file.h"
#include "rproxyd/proxy/first_bytes.h"
#include "tests/support/given_surroundings.h"
#include "turnd/relay/loads_format.h"
#include "turnd/settings/users_file.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void users(std::string_view text) {
  GivenSurroundings surroundings;
  surroundings.files["users"] = {.text = std::string(text), .world_readable = false};
  config::Problems problems;
  const auto read = turnd::read_users_file("users", surroundings, problems);
  must(read.has_value() || !problems.empty());
  if (!read) return;
  surroundings.files["again"] = {.text = turnd::to_text(*read), .world_readable = false};
  const auto again = turnd::read_users_file("again", surroundings, problems);
  must(again.has_value() && again->realm == read->realm &&
       again->users.size() == read->users.size());
}

void bans(std::string_view text) {
  const core::Now now{.steady = core::TimePoint(std::chrono::hours(1)),
                      .wall = core::WallTime(std::chrono::seconds(1'767'261'000))};
  constexpr core::Duration kLongest = std::chrono::hours(24);
  const auto read = rproxyd::read_bans(text, now, kLongest);
  if (!read) return;
  const auto again = rproxyd::read_bans(rproxyd::write_bans(*read, now), now, kLongest);
  must(again.has_value() && again->size() == read->size());
}

void loads(std::string_view text) {
  const auto read = turnd::read_loads(text);
  if (!read) {
    must(!read.error().text.empty() && !read.error().expected.empty());
    return;
  }
  must(read->size() <= turnd::kMaxLoads);
  std::string written;
  for (const auto& each : *read) {
    written += each.server.to_string() + ' ' + std::to_string(each.allocations) + '\n';
  }
  must(written.size() > turnd::kMaxLoadsFileBytes || turnd::read_loads(written) == *read);
}

void first_bytes(core::Bytes bytes) {
  const auto whole = rproxyd::what_begins_with(bytes);
  for (std::size_t size = 0; size <= std::min(bytes.size(), rproxyd::kDecisiveBytes); ++size) {
    const auto begun = rproxyd::what_begins_with(bytes.first(size));
    must(begun == whole || begun == rproxyd::FirstBytes::undecided);
  }
  must(bytes.size() < rproxyd::kDecisiveBytes || whole != rproxyd::FirstBytes::undecided);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::Bytes bytes(data, size);
  users(core::text_of(bytes));
  loads(core::text_of(bytes));
  bans(core::text_of(bytes));
  first_bytes(bytes);
  return 0;
}
