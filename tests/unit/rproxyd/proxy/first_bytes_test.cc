#include "rproxyd/proxy/first_bytes.h"

#include <catch2/catch_test_macros.hpp>
#include <string_view>
#include <vector>

using namespace rproxyd;
using namespace std::string_view_literals;

namespace {

FirstBytes told(std::string_view text) { return what_begins_with(core::bytes_of(text)); }

constexpr auto kAllocate = "\x00\x03\x00\x08\x21\x12\xa4\x42"sv;

} // namespace

TEST_CASE("a STUN message is TURN, as soon as its cookie is there") {
  CHECK(told(kAllocate) == FirstBytes::turn);
  CHECK(told("\x00\x01\x00\x00\x21\x12\xa4\x42 and more"sv) == FirstBytes::turn);
  for (std::size_t size = 0; size < kAllocate.size(); ++size) {
    CHECK(told(kAllocate.substr(0, size)) == FirstBytes::undecided);
  }
}

TEST_CASE("every method, and the HTTP/2 preface, is HTTP with its first byte") {
  for (const auto text : {"GET / HTTP/1.1"sv, "PRI * HTTP/2.0"sv, "OPTIONS"sv, "x"sv}) {
    CHECK(told(text) == FirstBytes::http);
    CHECK(told(text.substr(0, 1)) == FirstBytes::http);
  }
}

TEST_CASE("an empty line before a request is HTTP") {
  CHECK(told("\r\nGET / HTTP/1.1") == FirstBytes::http);
  CHECK(told("\n") == FirstBytes::http);
}

TEST_CASE("what begins like STUN and isn't goes where bad requests are refused") {
  CHECK(told("\x00\x03\x00\x08\x21\x12\xa4\x43"sv) == FirstBytes::http);
  CHECK(told("\x00\x03\x00\x08\x00"sv) == FirstBytes::http);
  CHECK(told("\x00\x03\x00\x07"sv) == FirstBytes::http);  // a length that STUN does not have
  CHECK(told("\x16\x03\x01"sv) == FirstBytes::undecided); // TLS in TLS
  CHECK(told("\x16\x03\x01\x02\x00\x01\x00\x01"sv) == FirstBytes::http);
  CHECK(told("\x40\x00\x00\x04"sv) == FirstBytes::http); // ChannelData never comes first
}
