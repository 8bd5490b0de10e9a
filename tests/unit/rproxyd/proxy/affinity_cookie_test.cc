#include "rproxyd/proxy/affinity_cookie.h"

#include <catch2/catch_test_macros.hpp>

using namespace rproxyd;

namespace {

std::optional<BackendKey> wanted(std::string_view cookies) {
  FieldList fields;
  fields.add("accept", "*/*");
  fields.add("cookie", cookies);
  return wanted_backend(fields);
}

} // namespace

TEST_CASE("the cookie that is set is the one that is understood") {
  const BackendKey key{0x0123456789abcdef};
  const std::string set = affinity_cookie(key, true);
  CHECK(set == "vestibule_node=0123456789abcdef; Path=/; HttpOnly; Secure; SameSite=None");
  CHECK(wanted(set.substr(0, set.find(';'))) == key);
  CHECK(affinity_cookie(key, false) == "vestibule_node=0123456789abcdef; Path=/; HttpOnly");
}

TEST_CASE("the cookie is found among others, and in the second Cookie field") {
  CHECK(wanted("a=1; vestibule_node=00000000000000ff; b=2") == BackendKey{255});
  FieldList crumbs;
  crumbs.add("cookie", "a=1");
  crumbs.add("cookie", "vestibule_node=00000000000000ff");
  CHECK(wanted_backend(crumbs) == BackendKey{255});
}

TEST_CASE("what is not our cookie is none") {
  CHECK_FALSE(wanted(""));
  CHECK_FALSE(wanted("vestibule_node"));
  CHECK_FALSE(wanted("vestibule_node="));
  CHECK_FALSE(wanted("vestibule_node=ff"));
  CHECK_FALSE(wanted("vestibule_node=00000000000000fg"));
  CHECK_FALSE(wanted("vestibule_node=+0000000000000ff"));
  CHECK_FALSE(wanted("vestibule_node=00000000000000ff0"));
  CHECK_FALSE(wanted("xvestibule_node=00000000000000ff"));
  CHECK_FALSE(wanted(";;;=;"));
}
