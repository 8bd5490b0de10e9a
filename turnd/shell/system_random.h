// Unpredictable numbers of BoringSSL's generator.
#pragma once

#include <openssl/rand.h>

#include "turnd/relay/random.h"

namespace turnd {

class SystemRandom final : public Random {
 public:
  ~SystemRandom() = default;
  void fill(core::MutableBytes bytes) override { RAND_bytes(bytes.data(), bytes.size()); }
};

} // namespace turnd
