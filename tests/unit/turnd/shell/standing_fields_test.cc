#include "turnd/shell/standing_fields.h"

#include <catch2/catch_test_macros.hpp>

using turnd::IpFields;
using turnd::StandingFields;

TEST_CASE("a socket is told of other fields once so many in a row have them") {
  StandingFields standing;
  const IpFields voice{.traffic_class = 0xb8, .hop_limit = 63};
  CHECK_FALSE(standing.should_become({}));
  for (int i = 1; i < StandingFields::kUnlikeInARow; ++i)
    CHECK_FALSE(standing.should_become(voice));
  CHECK(standing.should_become(voice));
  standing.become(voice);
  CHECK(standing.get() == voice);
  CHECK_FALSE(standing.should_become(voice));
}

TEST_CASE("datagrams that differ now and then leave the socket as it is") {
  StandingFields standing(IpFields{.hop_limit = 63});
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(standing.should_become({.traffic_class = 0xb8, .hop_limit = 63}));
    CHECK_FALSE(standing.should_become({.hop_limit = 63}));
  }
}
