// Conditional requests (RFC 9110 section 13).
#pragma once

#include <cstdint>
#include <string_view>

#include "libcore/base/time.h"
#include "rproxyd/http/fields.h"

namespace rproxyd {

// What a representation is told apart by.
struct Validators {
  std::string_view etag; // with its quotes, and with W/ if it is weak
  core::WallTime modified;
};

enum class Condition : std::uint8_t {
  proceed,
  not_modified, // 304
  failed,       // 412
};

// Of a GET or HEAD, in the order of section 13.2.2.
Condition check_conditions(const FieldList& fields, const Validators& current, core::WallTime now);

// Whether Range counts (section 13.1.5): there is no If-Range, or it names what is there now.
bool range_is_wanted(const FieldList& fields, const Validators& current, core::WallTime now);

} // namespace rproxyd
