// One line per exchange. Secrets in query strings are replaced, in the request and in the Referer
// (proxy rule 15), and nothing a client sends can end its line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/time.h"
#include "rproxyd/http/message.h"

namespace rproxyd {

enum class AccessFormat : std::uint8_t {
  pexip,    // as the appliance writes it, two spaces after the time included
  combined, // nginx's and Apache's
  extended, // combined, then request id, seconds, and the attempts at backends
  json,
};

// One attempt at a backend.
struct Attempt {
  std::string address;      // "10.40.0.10:443"
  std::uint16_t status = 0; // 0: none came
  core::Duration time{};    // from the attempt's begin to the answer's end
};

struct AccessRecord {
  core::IpAddress client;
  core::WallTime time{};        // when the request was complete
  std::string_view method = {}; // this and the next three are borrowed from the request
  std::string_view target = {};
  std::string_view referer = {};
  std::string_view user_agent = {};
  Version version = Version::http_1_1;
  std::uint16_t status = 0;
  std::uint64_t body_bytes = 0;
  core::Duration duration{};
  std::string_view request_id = {}; // empty: it has none
  const std::vector<Attempt>* attempts = nullptr;
};

// Appends one line, without a newline.
void append_line(std::string& out, AccessFormat format, const AccessRecord& record);

// `text` with the values of code=, state=, token=, pin= and data= replaced by [FILTERED].
std::string filtered(std::string_view text);

} // namespace rproxyd
