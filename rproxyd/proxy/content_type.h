// Which content type a file has, by the ending of its name.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace rproxyd {

using ContentTypes = std::map<std::string, std::string, std::less<>>; // by ending, small letters

// `own` comes before the built-in ones. What has no known ending is application/octet-stream.
std::string_view content_type(std::string_view path, const ContentTypes& own);

// Whether compressing content of this type (parameters are ignored) is worth the while: text, and
// what is written like it.
bool is_compressible(std::string_view content_type);

} // namespace rproxyd
