#include "libcore/tls/ticket_keys.h"

#include <catch2/catch_test_macros.hpp>

TEST_CASE(
    "ticket keys that another process adopts are the same ones, and nothing else is adopted") {
  tls::TicketKeys first;
  tls::TicketKeys second;
  const core::Secret exported = first.exported();
  CHECK(exported.reveal().size() == tls::TicketKeys::kExported);
  CHECK(exported.reveal() != second.exported().reveal());
  CHECK_FALSE(second.adopt(core::Secret("short")));
  CHECK_FALSE(second.adopt(core::Secret{}));
  REQUIRE(second.adopt(exported));
  CHECK(second.exported().reveal() == exported.reveal());
  second.rotate();
  CHECK(second.exported().reveal() != exported.reveal());
}
