// Challenges of ACME, type http-01 (RFC 8555 section 8.3): a file that proves to a certificate
// authority that this host is ours.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rproxyd/proxy/routes.h"

namespace rproxyd {

inline constexpr std::size_t kMaxChallengeToken = 128;

// The token of a request for a challenge: at least one of [A-Za-z0-9_-], as they stand in the
// target. nullopt for every other target, whatever it might decode to.
std::optional<std::string_view> challenge_token(std::string_view target);

// Where challenges are looked for in `folder`: where clients of ACME put them that are told a web
// server's root (certbot, acme.sh, lego), then in the folder itself (dehydrated).
std::vector<Route> challenge_routes(const std::string& folder);

} // namespace rproxyd
