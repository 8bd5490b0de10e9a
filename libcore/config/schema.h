// A Shape as a JSON Schema (draft 2020-12), with which editors complete and check a configuration file.
// It takes whatever the readers take, and leaves to them what it can't say: that two listeners differ,
// that a certificate is there.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "libcore/config/shape.h"

namespace config {

// What docs/configuration.md says of each key: by its name there ("pools.*.health.path").
using Meanings = std::map<std::string, std::string>;

// The rows of the tables between the heading "## FILE" and the next one; links give their text alone.
Meanings meanings_of(std::string_view page, std::string_view file);

// "duration, 10 ms to 1 h": what the tables call the type.
std::string type_of(const Shape& shape);

// `restart`: keys whose change takes a restart. Each value has its type in "x-type", and "x-restart"
// where it is so. Ends with a newline.
std::string json_schema(const Shape& root, const std::string& file, const Meanings& meanings,
                        const std::set<std::string>& restart);

} // namespace config
