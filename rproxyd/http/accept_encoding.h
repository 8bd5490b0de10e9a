// Accept-Encoding (RFC 9110 section 12.5.3).
#pragma once

#include <string_view>

#include "rproxyd/http/fields.h"

namespace rproxyd {

struct AcceptedCodings {
  bool br = false;
  bool gzip = false;
};

// A client without the field takes anything, and is sent what needs no decoding.
AcceptedCodings accepted_codings(const FieldList& fields);

} // namespace rproxyd
