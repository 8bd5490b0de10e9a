#include "libcore/base/secret.h"

#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <type_traits>

namespace {

using core::Secret;

// Long enough to live on the heap, where it can be looked at as long as its string has it.
const std::string kLong = "correct horse battery staple, and some more of the like";

bool all_zero(const char* place, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (place[i] != '\0') return false;
  }
  return true;
}

TEST_CASE("a secret is what it was made of") {
  CHECK(Secret(kLong).reveal() == kLong);
  CHECK(Secret("short").reveal() == "short");
  CHECK(Secret().empty());
  CHECK(Secret().reveal().empty());
}

TEST_CASE("a secret that is moved from is wiped and empty") {
  Secret from(kLong);
  const char* place = from.reveal().data();
  const Secret to(std::move(from));
  CHECK(to.reveal() == kLong);
  CHECK(from.empty());                  // NOLINT(bugprone-use-after-move): what is checked
  CHECK(all_zero(place, kLong.size())); // still the string's own memory

  Secret other(kLong);
  place = other.reveal().data();
  Secret assigned;
  assigned = std::move(other);
  CHECK(assigned.reveal() == kLong);
  CHECK(other.empty()); // NOLINT(bugprone-use-after-move): what is checked
  CHECK(all_zero(place, kLong.size()));
}

TEST_CASE("a secret that is replaced by a shorter one leaves nothing of itself behind") {
  Secret secret(kLong);
  const char* place = secret.reveal().data();
  secret = Secret("x");
  CHECK(secret.reveal() == "x");
  REQUIRE(secret.reveal().data() == place); // the memory was used again
  CHECK(all_zero(place + 1, kLong.size() - 1));
}

TEST_CASE("a copy is a secret of its own") {
  Secret original(kLong);
  Secret copy(original);
  original = Secret();
  CHECK(copy.reveal() == kLong);
  Secret assigned;
  assigned = copy;
  copy = Secret();
  CHECK(assigned.reveal() == kLong);
}

TEST_CASE("assigning a secret to itself changes nothing") {
  Secret secret(kLong);
  Secret& same = secret;
  secret = same;
  CHECK(secret.reveal() == kLong);
  secret = std::move(same);
  CHECK(secret.reveal() == kLong);
}

TEST_CASE("a destroyed secret leaves nothing in its memory") {
  alignas(Secret) std::byte memory[sizeof(Secret)];
  auto* secret = new (memory) Secret("short"); // short ones stand inside of the object
  REQUIRE(secret->reveal().data() >= reinterpret_cast<const char*>(memory));
  REQUIRE(secret->reveal().data() < reinterpret_cast<const char*>(memory) + sizeof memory);
  const char* place = secret->reveal().data();
  secret->~Secret();
  CHECK(all_zero(place, 5));
}

// A secret is not turned into text by accident: not printed, not formatted, not compared.
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret>);

} // namespace
