// Which route serves a request: the most specific one, wherever it stands in the list.
//
//   1. by host: a route that names the host itself, then the longest "*.…" that it lies below, then
//      routes of every host;
//   2. among those by path: an exact one, then the longest;
//   3. among those, one that names the method before one for every method;
//   4. the first.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rproxyd/proxy/folder_rules.h"
#include "rproxyd/proxy/ice_servers.h"
#include "rproxyd/proxy/local_answer.h"

namespace rproxyd {

struct Route {
  enum class Kind : std::uint8_t { pool, redirect, folder, answer };
  std::vector<std::string> hosts; // lower case; "*.example.com": every name below; none: every host
  std::vector<std::string> methods; // GET is HEAD, too; none: every method
  std::string path;                 // starts with '/'
  bool exact = false;               // this path alone; else it and what lies below it
  Kind kind = Kind::pool;
  std::string target;     // the pool's name, the location, or the folder
  std::size_t pool = 0;   // Kind::pool: which one
  bool websocket = false; // Kind::pool: handshakes are passed on (proxy rule 7)
  std::string rewrite;    // Kind::pool: takes the place of `path`; empty: nothing does
  std::shared_ptr<const IceServers> ice_servers; // Kind::pool: instead of what the pool answers
  std::uint16_t status = 302;                    // Kind::redirect
  FolderRules folder;                            // Kind::folder
  LocalAnswer answer;                            // Kind::answer
};

enum class PathPolicy : std::uint8_t {
  open,
  conferencing, // pools are asked only for what the clients of the platform use, after rewriting
};

struct RouteRefusal {
  enum class Kind : std::uint8_t {
    not_found,  // 404
    bad_path,   // 400: no path, or one whose normalised form leaves its route (proxy rule 8)
    bad_method, // 405: there is a route for others
  };
  Kind kind = Kind::not_found;
  std::string allow = {}; // bad_method: which, as in Allow
};

class RouteTable {
 public:
  // `branding_paths`: first segments that PathPolicy::conferencing lets through, too.
  explicit RouteTable(std::vector<Route> routes, PathPolicy policy = PathPolicy::open,
                      std::vector<std::string> branding_paths = {});
  ~RouteTable() = default;
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;
  RouteTable(RouteTable&&) = default;
  RouteTable& operator=(RouteTable&&) = default;

  // `target` and `authority` are the request's, byte for byte; "*" (OPTIONS) is served by the first
  // pool. The route is borrowed from the table.
  std::expected<const Route*, RouteRefusal> match(std::string_view target,
                                                  std::string_view authority = {},
                                                  std::string_view method = "GET") const;

  // What a pool's server would be asked for in the place of `target`: what a guard must look at.
  // The target itself where no route rewrites it.
  std::string guarded_target(std::string_view target, std::string_view authority,
                             std::string_view method) const;

 private:
  using Candidates = std::vector<const Route*>; // the most specific first
  struct Found {
    const Route* route = nullptr;
    std::string allow; // without a route: methods for which there is one
  };
  Found find(std::string_view path, std::string_view host, std::string_view method) const;
  bool is_open_to_clients(std::string_view target) const;

  std::vector<Route> routes_;
  std::map<std::string, Candidates, std::less<>> by_host_; // "a.example.com", "*.example.com", "*"
  PathPolicy policy_;
  bool rewrites_ = false; // a route does
  bool patterns_ = false; // a route's host is one
  std::vector<std::string> branding_paths_;
};

// What a pool's server is asked for in the place of `target`, which lies below `path` as it was
// sent: `replacement` stands where `path` stood, joined by one slash. nullopt when the result, as
// the server might read it, leaves `replacement` (proxy rule 8).
std::optional<std::string> rewritten(std::string_view target, std::string_view path,
                                     std::string_view replacement);

// What a route to a pool asks its server for: rewritten(), or the target as it is.
std::optional<std::string> backend_target(const Route& route, std::string_view target);

// The host of an authority as hosts are compared: lower case, without port and final dot.
std::string normalised_host(std::string_view authority);

} // namespace rproxyd
