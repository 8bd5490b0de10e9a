// Text that came from outside: is it UTF-8, and how is it shown without harm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace core {

struct CodePoint {
  char32_t value;
  std::size_t size; // bytes that it took
};

// The code point at the front; nullopt when it is empty or not well formed (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF).
std::optional<CodePoint> decode_utf8(std::string_view text);

// Appends the text as it may stand between double quotes, in JSON too: quotes, backslashes, control
// characters (C1 included), line separators and those that change the direction of writing are
// escaped; a byte that is not UTF-8 becomes \ufffd.
void append_escaped(std::string& out, std::string_view text);

// In decimal; with at least `digits`, zeros before it.
void append_decimal(std::string& out, std::uint64_t number, std::size_t digits = 1);

} // namespace core
