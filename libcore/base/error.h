// What a shell says when something from outside failed: one sentence for a person, that names
// the thing, the place and what was expected. Codecs use small enums instead.
#pragma once

#include <expected>
#include <string>

namespace core {

struct Error {
  std::string text;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string text) {
  return std::unexpected(Error{std::move(text)});
}

} // namespace core
