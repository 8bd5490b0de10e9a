// Every byte of an HTTP/1 message that is not body passes here, whatever the parser thinks of it:
// lines end in CR LF and in nothing else, none begins with white space (RFC 9112 section 5.2,
// obs-fold), and no other control byte but a tab occurs (RFC 9112 section 2.2, RFC 9110 section 5.5).
// Two parsers that disagree on where a line ends are what request smuggling is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libcore/base/bytes.h"

namespace rproxyd {

class LineDiscipline {
 public:
  void begin(); // a message begins
  // nullopt when all is well, else what is wrong. Bytes may come in pieces of any size.
  std::optional<std::string_view> check(core::Bytes bytes);
  // Body bytes came: the next byte ends the line that they are on.
  void skip_body() { place_ = Place::inside; }

  // Bytes of the first line that is not empty, without its CR LF.
  std::size_t first_line_bytes() const { return first_line_bytes_; }
  // The latest line was empty and has ended: a head or a trailer section ends here.
  bool at_section_end() const { return place_ == Place::start && line_was_empty_; }
  bool in_first_line() const { return !first_line_ended_; }
  bool only_empty_lines() const { return first_line_bytes_ == 0; }

 private:
  enum class Place : std::uint8_t { start, inside, after_cr };
  Place place_ = Place::start;
  bool line_is_empty_ = true;
  bool line_was_empty_ = false;
  bool first_line_ended_ = false;
  std::size_t first_line_bytes_ = 0;
};

} // namespace rproxyd
