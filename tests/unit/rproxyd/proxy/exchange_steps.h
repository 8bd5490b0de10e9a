// First steps of an Exchange that several tests begin with.
#pragma once

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/rproxyd/proxy/exchange_stage.h"

namespace rproxyd {

// A GET that waits for node0's answer.
inline Exchange& waiting(ExchangeStage& stage, bool reused = false) {
  Exchange& exchange = stage.begin();
  exchange.link_open(stage, reused);
  CHECK(stage.take() == Said{"connect node0", "-> GET /api/client/v2/status", "-> finish"});
  return exchange;
}

} // namespace rproxyd
