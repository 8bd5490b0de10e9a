// What the proxy adds to answers: "content_security_policy", "hsts", "server_header",
// "error_pages".
#pragma once

#include "libcore/config/object_reader.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

void read_answer_headers(config::ObjectReader& root, Settings& settings);

} // namespace rproxyd
