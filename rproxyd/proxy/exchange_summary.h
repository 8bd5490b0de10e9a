// How an exchange went, for those who count.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libcore/base/time.h"
#include "rproxyd/http/message.h"

namespace rproxyd {

// What answered: the kind of its route, or what stands before all routes.
enum class ServedBy : std::uint8_t {
  pool,
  folder,
  redirect,
  fixed, // an answer of the configuration
  acme,
  https_redirect,
  pin_guard,
  refused, // no route, or none for what was asked
};
inline constexpr std::size_t kServedBy = static_cast<std::size_t>(ServedBy::refused) + 1;

// Answers that last: how long they take says nothing about anybody's speed.
enum class Lasting : std::uint8_t { no, event_stream, web_socket };

struct ExchangeSummary {
  ServedBy served_by = ServedBy::refused;
  std::string_view pool = {}; // ServedBy::pool: its name, borrowed from the route
  std::uint16_t status = 0;
  Lasting lasting = Lasting::no;
  std::optional<core::Duration> first_byte = {}; // until the answer's head; none: there was none
  core::Duration whole{};
};

constexpr std::string_view name_of(ServedBy what) {
  switch (what) {
    case ServedBy::pool:
      return "pool";
    case ServedBy::folder:
      return "folder";
    case ServedBy::redirect:
      return "redirect";
    case ServedBy::fixed:
      return "fixed";
    case ServedBy::acme:
      return "acme";
    case ServedBy::https_redirect:
      return "https_redirect";
    case ServedBy::pin_guard:
      return "pin_guard";
    case ServedBy::refused:
      return "refused";
  }
  return "";
}

} // namespace rproxyd
