// TURN servers and credentials for clients that are signed in, in the form that browsers take
// (RTCConfiguration of WebRTC). Whether a client is signed in its own credentials say: a node is asked
// with them, and whoever it answers with 2xx gets servers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/secret.h"
#include "libcore/base/time.h"
#include "rproxyd/http/message.h"
#include "rproxyd/http/websocket.h"
#include "rproxyd/proxy/local_answer.h"

namespace rproxyd {

struct IceServers { // contract: routes[].ice_servers
  struct Server {
    std::vector<std::string> urls; // RFC 7064, RFC 7065: nothing that JSON escapes
    unsigned weight = 1;
  };
  std::vector<Server> servers;
  std::size_t most = 2; // that one client is told
  core::Secret secret;  // shared with the servers
  core::Duration ttl = std::chrono::hours(1);
  std::string check; // what the node is asked for; '*': the last segment of the client's own path
  std::vector<std::string> origins; // whose pages may read the answer (Fetch)
};

// What the node is asked for; nullopt: the client's path is none that leads there.
std::optional<std::string> sign_in_target(const IceServers& rules, std::string_view path,
                                          std::string_view target);

// Makes the request one for the client's sign-in: a GET with what it identifies itself by, and nothing
// else of it.
void make_sign_in_request(RequestHead& request, std::string target);

// `whom`: what logs call the client's request; TURN servers see it as the user. `nonce` decides which
// of the servers, by their weights, and in which order.
LocalAnswer ice_servers_answer(const IceServers& rules, std::string_view whom,
                               const WebSocketNonce& nonce, core::WallTime now);

// To a page's question whether it may ask (CORS preflight).
LocalAnswer preflight_answer();

// Says that a page of `origin` may read the answer, if it may.
void add_cors(const IceServers& rules, std::string_view origin, ResponseHead& head);

} // namespace rproxyd
