// Third-party authorization (RFC 7635): the part of turnd.json that switches it on.
#pragma once

#include <optional>

#include "libcore/config/value.h"
#include "turnd/settings/settings.h"

namespace turnd {

inline constexpr std::size_t kMaxTokenKeys = 16;
inline constexpr std::size_t kMaxServerNameBytes = 255;

// A parser.
std::optional<Settings::Oauth> oauth(const config::Value& value);

} // namespace turnd
