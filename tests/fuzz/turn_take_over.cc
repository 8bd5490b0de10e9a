// Any bytes as what a running turnd says it has: refused, or resumed by a server that then serves, and
// lets go of it again, as if it had been its own.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tests/support/turn/taken_over.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

bool same(core::Bytes a, core::Bytes b) { return std::ranges::equal(a, b); }

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto read = turnd::decode({data, size});
  if (!read) return 0;
  // What has been understood is said again in the same way.
  const auto again = turnd::encode(*read);
  const auto reread = turnd::decode(again.bytes());
  must(reread.has_value());
  must(same(turnd::encode(*reread).bytes(), again.bytes()));

  turn_test::Options options;
  options.mobility = true;
  options.relay_addresses.push_back(turn_test::relay_address("2001:db8::130"));
  turn_test::Scene scene(options);
  std::size_t allocations = 0;
  for (turnd::ServerState& server : read->servers) {
    scene.server.resume(server, turn_test::tags(), scene.now);
    allocations += server.allocations.size();
  }
  must(scene.server.allocation_count() == allocations);
  scene.server.keep_ports({});
  turn_test::Client client("alice", "wonder", "192.0.2.250:9");
  (void)scene.allocate(client);
  scene.pass(std::chrono::seconds(1));
  (void)scene.server.state(turn_test::links(), scene.now);

  // Everything ends in its time.
  scene.pass(std::chrono::hours(24 * 400));
  must(scene.server.is_idle());
  must(scene.quota.taken() == 0);
  must(!scene.server.next_deadline());
  return 0;
}
