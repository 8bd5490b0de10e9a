#include "libcore/config/sandbox.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/libcore/config/reading_a_text.h"

namespace {

struct SandboxOfAText : ReadingAText {
  explicit SandboxOfAText(std::string_view text) : ReadingAText(text) {
    config::read_sandbox(root(), sandbox);
  }
  config::Sandbox sandbox;
};

} // namespace

TEST_CASE("by default everything is on that asks nothing of the administrator") {
  const SandboxOfAText read("{}");
  CHECK(read.lines().empty());
  CHECK_FALSE(read.sandbox.user);
  CHECK(read.sandbox.drop_capabilities);
  CHECK(read.sandbox.no_new_privileges);
  CHECK(read.sandbox.seccomp);
  CHECK(read.sandbox.landlock);
  CHECK_FALSE(read.sandbox.core_dumps);
}

TEST_CASE("each measure can be turned off by itself") {
  CHECK_FALSE(SandboxOfAText(R"({"seccomp": false})").sandbox.seccomp);
  CHECK_FALSE(SandboxOfAText(R"({"landlock": false})").sandbox.landlock);
  CHECK_FALSE(SandboxOfAText(R"({"drop_capabilities": false})").sandbox.drop_capabilities);
  CHECK(SandboxOfAText(R"({"core_dumps": true})").sandbox.core_dumps);
  const SandboxOfAText privileges(
      R"({"no_new_privileges": false, "seccomp": false, "landlock": false})");
  CHECK(privileges.lines().empty());
  CHECK_FALSE(privileges.sandbox.no_new_privileges);
}

TEST_CASE("what the kernel doesn't take together is refused") {
  CHECK(SandboxOfAText(R"({"no_new_privileges": false})").lines() ==
        Lines{"/etc/vestibule/t.json:1: /no_new_privileges: \"seccomp\" and \"landlock\" are on, "
              "and the kernel takes neither without it; expected true, or both of these false"});
}

TEST_CASE("a group belongs to a user") {
  CHECK(SandboxOfAText(R"({"user": "vestibule-turnd", "group": "vestibule"})").lines().empty());
  CHECK(SandboxOfAText(R"({"group": "vestibule"})").lines() ==
        Lines{"/etc/vestibule/t.json:1: /group: there is no \"user\" that it could be the group "
              "of; expected a \"user\" beside it"});
}
