// Header fields as they are written in a configuration file: nothing in them ends a field.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcore/config/value.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

std::optional<std::string> header_value(const config::Value& value);

// The header that carries a request's id, in lower case; or "off".
std::optional<std::optional<std::string>> request_id_header(const config::Value& value);

// An object of names and values; without those that frame the message.
std::optional<std::vector<Settings::HeaderField>> header_fields(const config::Value& value);

} // namespace rproxyd
