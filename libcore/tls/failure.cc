#include "libcore/tls/failure.h"

#include <openssl/err.h>

#include <array>

namespace tls {

std::string take_failure() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  std::array<char, 160> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

} // namespace tls
