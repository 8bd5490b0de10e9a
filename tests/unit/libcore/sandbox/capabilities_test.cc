#include "libcore/sandbox/capabilities.h"

#include <linux/capability.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/libcore/sandbox/in_a_child.h"

using sandbox::capability;

TEST_CASE("capabilities have the names of capabilities(7), and new ones a number") {
  CHECK(sandbox::names_of(0).empty());
  CHECK(sandbox::names_of(capability(CAP_NET_BIND_SERVICE) | capability(CAP_CHOWN)) ==
        std::vector<std::string>{"chown", "net_bind_service"});
  CHECK(sandbox::names_of(capability(CAP_CHECKPOINT_RESTORE)) ==
        std::vector<std::string>{"checkpoint_restore"});
  CHECK(sandbox::names_of(capability(63)) == std::vector<std::string>{"63"});
}

TEST_CASE("what isn't kept is gone, and does not come back") {
  CHECK(in_a_child([] {
          const auto before = sandbox::own_capabilities().permitted;
          const auto kept = capability(CAP_NET_BIND_SERVICE);
          if (!sandbox::keep_only(kept)) return 1;
          if (sandbox::own_capabilities().permitted != (before & kept)) return 2;
          if (!sandbox::keep_only(~sandbox::Capabilities{0})) return 3;
          return sandbox::own_capabilities().permitted == (before & kept) ? 0 : 4;
        }) == 0);
}
