// "paths": "conferencing": what the clients of the conferencing platform ask its nodes for, and
// nothing else.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rproxyd {

// A first segment of a path that branding may have: [A-Za-z0-9_-]+, as the platform allows it.
bool is_branding_path(std::string_view segment);

// /api (clients, and Exchange scheduling below it), /webapp and /webapp2 and so on, /static,
// /teams, and the branding paths that are configured; each with what lies below.
bool is_conferencing_path(std::string_view path, std::span<const std::string> branding_paths);

} // namespace rproxyd
