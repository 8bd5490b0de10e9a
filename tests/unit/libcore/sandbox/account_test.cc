#include "libcore/sandbox/account.h"

#include <linux/capability.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/libcore/sandbox/in_a_child.h"

namespace {

constexpr auto kListening = sandbox::capability(CAP_NET_BIND_SERVICE);

} // namespace

TEST_CASE("a user is found with its own group, or with another") {
  const auto root = sandbox::find_account("root", std::nullopt);
  REQUIRE(root);
  CHECK(root->user == 0);
  CHECK(root->group == 0);
  const auto nobody = sandbox::find_account("nobody", "root");
  REQUIRE(nobody);
  CHECK(nobody->user != 0);
  CHECK(nobody->group == 0);
}

TEST_CASE("a user or a group that isn't there is named") {
  CHECK(sandbox::find_account("no-such-user", std::nullopt).error().text ==
        "there is no user no-such-user");
  CHECK(sandbox::find_account("root", "no-such-group").error().text ==
        "there is no group no-such-group");
}

TEST_CASE("who becomes another user keeps what it is to keep, and can't go back") {
  if (!sandbox::is_root()) SKIP("takes root");
  CHECK(in_a_child([] {
          const auto nobody = sandbox::find_account("nobody", std::nullopt);
          if (!nobody || !sandbox::become(*nobody, kListening)) return 1;
          const auto left = sandbox::own_capabilities();
          if (left.effective != kListening || left.permitted != kListening) return 2;
          if (::getuid() != nobody->user || ::getgid() != nobody->group) return 3;
          if (::setuid(0) == 0 || ::setgid(0) == 0) return 4;
          return sandbox::own_name() == "nobody" ? 0 : 5;
        }) == 0);
}
