// rproxyd.json with some members changed, read.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <utility>
#include <vector>

#include "rproxyd/settings/read.h"
#include "tests/support/changed_object.h"
#include "tests/support/given_surroundings.h"

using Lines = std::vector<std::string>;

inline const Members kRight{
    {"listeners", R"([{ "address": "0.0.0.0:443", "tls": { "certificates": ["/c.pem"] } }])"},
    {"pools", R"({ "nodes": { "servers": ["https://10.0.0.1"] } })"},
    {"routes", R"([{ "path": "/", "pool": "nodes" }])"},
};

struct ReadSettings {
  rproxyd::Settings settings;
  Lines problems;
};

inline ReadSettings read(const Members& changes) {
  config::Problems problems;
  const GivenSurroundings surroundings;
  const auto document = config::Document::parse("/f", object_of(kRight, changes), problems);
  REQUIRE(document);
  config::Reading reading{*document, surroundings, problems};
  auto settings = rproxyd::read(config::Value::root(reading));
  return {std::move(settings), lines_of(problems)};
}

inline Lines problems_with(const Members& changes) { return read(changes).problems; }

// The only pool with these members, besides its servers.
inline std::string pool_with(const std::string& members) {
  return R"({ "nodes": { "servers": ["https://10.0.0.1"], )" + members + " } }";
}

inline std::string repeated(const std::string& json, std::size_t count) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) list += (i ? "," : "") + json;
  return list + "]";
}
