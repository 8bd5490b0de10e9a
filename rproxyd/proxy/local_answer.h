// Answers that the proxy gives by itself: refusals, errors, redirects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rproxyd/http/message.h"

namespace rproxyd {

struct LocalAnswer {
  ResponseHead head;
  std::string body; // text for a person; its length is in head.body
};

LocalAnswer error_answer(std::uint16_t status, std::string_view text);
LocalAnswer redirect_answer(std::uint16_t status, std::string_view location);

} // namespace rproxyd
