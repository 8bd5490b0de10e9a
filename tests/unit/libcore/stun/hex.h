// Bytes written as in the RFCs: "21 12 a4 42", blanks and newlines at will.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

inline std::vector<std::uint8_t> hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  int high = -1;
  for (const char c : text) {
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c == ' ' || c == '\n') {
      continue;
    } else {
      std::abort();
    }
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  if (high >= 0) std::abort();
  return bytes;
}
