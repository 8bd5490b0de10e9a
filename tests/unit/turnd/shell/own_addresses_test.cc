#include "turnd/shell/own_addresses.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

namespace {

core::SocketAddress address(const char* text) { return core::SocketAddress::parse(text).value(); }

TEST_CASE("rule 33: a wildcard listener is at every address of the machine") {
  const auto own = turnd::own_addresses({address("0.0.0.0:3478")}, {});
  CHECK(std::ranges::find(own, address("127.0.0.1:3478")) != own.end());
  CHECK(std::ranges::find(own, address("0.0.0.0:3478")) == own.end());
}

TEST_CASE("rule 33: a listener behind static NAT is at its outer address too") {
  const auto own = turnd::own_addresses(
      {address("10.0.0.5:3478"), address("10.0.0.6:3478")},
      {{core::IpAddress::v4(10, 0, 0, 5), core::IpAddress::v4(203, 0, 113, 5)}});
  CHECK(own == std::vector{address("10.0.0.5:3478"), address("203.0.113.5:3478"),
                           address("10.0.0.6:3478")});
}

} // namespace
