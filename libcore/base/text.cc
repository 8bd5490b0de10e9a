#include "libcore/base/text.h"

#include <fmt/format.h>
#include <array>
#include <charconv>

#include <iterator>

namespace core {
namespace {

bool needs_escape(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == '"' || c == '\\' || // controls, JSON's own
         c == 0x200e || c == 0x200f || c == 0x061c ||                     // direction marks
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);    // separators, overrides
}

void append_escape(std::string& out, char32_t c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
  }
}

} // namespace

std::optional<CodePoint> decode_utf8(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return CodePoint{lead, 1};

  std::size_t size = 0;
  char32_t smallest = 0;
  char32_t value = 0;
  if ((lead & 0xe0) == 0xc0) {
    size = 2, smallest = 0x80, value = lead & 0x1f;
  } else if ((lead & 0xf0) == 0xe0) {
    size = 3, smallest = 0x800, value = lead & 0x0f;
  } else if ((lead & 0xf8) == 0xf0) {
    size = 4, smallest = 0x10000, value = lead & 0x07;
  } else {
    return std::nullopt;
  }
  if (text.size() < size) return std::nullopt;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    value = (value << 6) | (byte(i) & 0x3f);
  }
  if (value < smallest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
    return std::nullopt;
  }
  return CodePoint{value, size};
}

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto code = decode_utf8(text);
    if (!code) {
      out += "\\ufffd";
      text.remove_prefix(1);
      continue;
    }
    if (needs_escape(code->value)) {
      append_escape(out, code->value);
    } else {
      out.append(text.substr(0, code->size));
    }
    text.remove_prefix(code->size);
  }
}

void append_decimal(std::string& out, std::uint64_t number, std::size_t digits) {
  std::array<char, 20> text{};
  const char* const end = std::to_chars(text.begin(), text.end(), number).ptr;
  const auto size = static_cast<std::size_t>(end - text.data());
  if (size < digits) out.append(digits - size, '0');
  out.append(text.data(), size);
}

} // namespace core
