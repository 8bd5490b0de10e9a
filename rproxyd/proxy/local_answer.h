// Answers that the proxy gives by itself: refusals, errors, redirects, and fixed ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rproxyd/http/message.h"

namespace rproxyd {

struct LocalAnswer {
  ResponseHead head;
  std::string body; // its length is in head.body
};

LocalAnswer local_answer(std::uint16_t status, std::string_view content_type, std::string body);
LocalAnswer error_answer(std::uint16_t status, std::string_view text); // for a person
LocalAnswer redirect_answer(std::uint16_t status, std::string_view location);

} // namespace rproxyd
