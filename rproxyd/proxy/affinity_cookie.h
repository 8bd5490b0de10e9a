// The cookie that keeps a browser on its node (`affinity: "cookie"`): for clients that share one
// address, or change theirs. Its value is the backend's key and tells nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rproxyd/http/fields.h"
#include "rproxyd/proxy/backend_pool.h"

namespace rproxyd {

inline constexpr std::string_view kAffinityCookie = "vestibule_node";

// Which backend the client's cookie names, if it has one that is well formed.
std::optional<BackendKey> wanted_backend(const FieldList& request);

// A Set-Cookie value. Over TLS it is sent in frames of other sites too, where web clients are embedded.
std::string affinity_cookie(BackendKey backend, bool secure);

} // namespace rproxyd
