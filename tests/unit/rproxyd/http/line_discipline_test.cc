#include "rproxyd/http/line_discipline.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace {

using rproxyd::LineDiscipline;

// Longer than what is looked at in one step, twice.
constexpr std::size_t kLength = 40;

bool passes(const std::string& line) {
  LineDiscipline lines;
  return !lines.check(core::bytes_of(line)).has_value();
}

TEST_CASE("proxy rule 3: a control byte is found wherever it stands in a line") {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool is_plain = (byte >= ' ' && byte != 0x7f) || byte == '\t';
    for (std::size_t at = 1; at < kLength; ++at) {
      std::string line(kLength, 'a');
      line[at] = static_cast<char>(byte);
      INFO("byte " << byte << " at " << at);
      CHECK(passes(line + "\r\n") == is_plain);
    }
  }
}

TEST_CASE("the first line's length counts alike in one piece and byte by byte") {
  const std::string head =
      "GET /" + std::string(kLength, 'p') + " HTTP/1.1\r\nhost: example.com\r\n\r\n";
  for (std::size_t piece = 1; piece <= head.size(); ++piece) {
    LineDiscipline lines;
    for (std::size_t at = 0; at < head.size(); at += piece)
      REQUIRE_FALSE(lines.check(core::bytes_of(head.substr(at, piece))));
    CHECK(lines.first_line_bytes() == kLength + 14);
    CHECK(lines.at_section_end());
  }
}

TEST_CASE("a line on which body bytes came is not empty once more bytes follow") {
  LineDiscipline lines;
  lines.skip_body();
  REQUIRE_FALSE(lines.check(core::bytes_of("0123456789abcdef\r\n")));
  CHECK_FALSE(lines.at_section_end());
}

} // namespace
