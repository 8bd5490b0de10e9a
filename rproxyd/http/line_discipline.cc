#include "rproxyd/http/line_discipline.h"

namespace rproxyd {

void LineDiscipline::begin() { *this = LineDiscipline(); }

std::optional<std::string_view> LineDiscipline::check(core::Bytes bytes) {
  for (const std::uint8_t byte : bytes) {
    if (place_ == Place::after_cr) {
      if (byte != '\n') return "a carriage return that does not end a line";
      place_ = Place::start;
      line_was_empty_ = line_is_empty_;
      line_is_empty_ = true;
      if (first_line_bytes_ > 0) first_line_ended_ = true;
      continue;
    }
    if (byte == '\r') {
      place_ = Place::after_cr;
      continue;
    }
    if (byte == '\n') return "a line that ends in a bare line feed";
    if (byte == 0) return "a NUL byte";
    if ((byte < ' ' && byte != '\t') || byte == 0x7f) return "a control byte";
    if (place_ == Place::start && (byte == ' ' || byte == '\t')) {
      return "a line that begins with white space";
    }
    place_ = Place::inside;
    line_is_empty_ = false;
    if (!first_line_ended_) ++first_line_bytes_;
  }
  return std::nullopt;
}

} // namespace rproxyd
