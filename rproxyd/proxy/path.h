// The form of a request path that routes are matched on. The path itself goes on to the backend
// byte for byte; this copy exists so that no spelling of a path slips past a route.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rproxyd {

// The path of `target` (its query cut off) with percent-encodings decoded, empty and "." segments
// dropped, ".." resolved and a segment's ";parameters" removed, as the most lenient backend might
// read it. Starts with '/'; a trailing '/' is kept.
// nullopt: a ".." that climbs above the root, a bad percent-encoding, an encoded NUL, or a
// backslash, which some backends take for a slash.
std::optional<std::string> normalised_path(std::string_view target);

} // namespace rproxyd
