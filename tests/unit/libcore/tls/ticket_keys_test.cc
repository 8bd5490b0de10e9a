#include "libcore/tls/ticket_keys.h"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using tls::TicketKeys;

namespace {

constexpr core::WallTime kNow{TicketKeys::kRotation * 60'000 + 1h};
const core::Secret kSecret("a secret of at least so many characters");

std::string key_of(TicketKeys& keys, std::size_t which) { // 0: the current one
  constexpr std::size_t kEach = TicketKeys::kExported / 2;
  const core::Secret exported = keys.exported();
  return std::string(exported.reveal().substr(which * kEach, kEach));
}

} // namespace

TEST_CASE(
    "ticket keys that another process adopts are the same ones, and nothing else is adopted") {
  TicketKeys first;
  TicketKeys second;
  const core::Secret exported = first.exported();
  CHECK(exported.reveal().size() == TicketKeys::kExported);
  CHECK(exported.reveal() != second.exported().reveal());
  CHECK_FALSE(second.adopt(core::Secret("short")));
  CHECK_FALSE(second.adopt(core::Secret{}));
  REQUIRE(second.adopt(exported));
  CHECK(second.exported().reveal() == exported.reveal());
  second.turn(kNow);
  CHECK(second.exported().reveal() != exported.reveal());
  CHECK(key_of(second, 1) == key_of(first, 0));
  CHECK(second.lasts(kNow) == TicketKeys::kRotation);
}

TEST_CASE("who has the same secret has the same keys at the same time") {
  TicketKeys first;
  TicketKeys second;
  first.share(kSecret, kNow);
  second.share(kSecret, kNow + 6h);
  CHECK(first.exported().reveal() == second.exported().reveal());
  CHECK(first.lasts(kNow) == 7h);
  TicketKeys other;
  other.share(core::Secret("another secret of at least so many"), kNow);
  CHECK(key_of(other, 0) != key_of(first, 0));
}

TEST_CASE(
    "shared keys change with the time, at the same moment everywhere, and the last is known") {
  TicketKeys keys;
  keys.share(kSecret, kNow);
  const std::string before = key_of(keys, 0);
  keys.turn(kNow + 6h);
  CHECK(key_of(keys, 0) == before);
  keys.turn(kNow + 7h);
  CHECK(key_of(keys, 0) != before);
  CHECK(key_of(keys, 1) == before);
  keys.turn(kNow + 15h);
  CHECK(key_of(keys, 1) != before);
}

TEST_CASE("keys that are shared no longer are nobody else's") {
  TicketKeys keys;
  keys.share(kSecret, kNow);
  const std::string shared = key_of(keys, 0);
  keys.share(core::Secret{}, kNow);
  CHECK(key_of(keys, 0) != shared);
  const std::string own = key_of(keys, 0);
  keys.share(core::Secret{}, kNow);
  CHECK(key_of(keys, 0) == own);
}
