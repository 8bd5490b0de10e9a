// Which route serves a request.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace rproxyd {

struct Route {
  enum class Kind : std::uint8_t { pool, redirect, folder };
  std::string path;   // starts with '/'
  bool exact = false; // this path alone; else it and what lies below it
  Kind kind = Kind::pool;
  std::string target;   // the pool's name, the location, or the folder
  std::size_t pool = 0; // Kind::pool: which one
};

enum class RouteRefusal : std::uint8_t {
  not_found, // 404
  bad_path,  // 400: no path, or one whose normalised form leaves its route (proxy rule 8)
};

class RouteTable {
 public:
  explicit RouteTable(std::vector<Route> routes) : routes_(std::move(routes)) {}

  // The first route that matches. `target` is the request's, byte for byte; "*" (OPTIONS) is served
  // by the first pool. The route is borrowed from the table.
  std::expected<const Route*, RouteRefusal> match(std::string_view target) const;

 private:
  const Route* find(std::string_view path) const;
  std::vector<Route> routes_;
};

} // namespace rproxyd
