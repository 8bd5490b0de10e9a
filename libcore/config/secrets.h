// Secrets: in the file itself, from the environment ("${NAME}"), or, better, in a file of their
// own, whose path stands under the same key with "_file" after it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/secret.h"
#include "libcore/config/object_reader.h"

namespace config {

inline constexpr std::size_t kMaxSecretBytes = 4096;
inline constexpr std::size_t kMaxSecretFileBytes = std::size_t{64} * 1024;

// A parser: not empty, at most kMaxSecretBytes.
std::optional<core::Secret> secret(const Value& value);

// "password" or "password_file"; both are an error. null counts as absent. The newline at the end
// of the file is no part of the secret; a file that everybody may read is refused.
bool read_secret(ObjectReader& object, std::string_view key, std::string_view file_key,
                 core::Secret& setting);

// A list, or a file with one secret a line (empty lines don't count). An empty list counts as
// absent.
bool read_secrets(ObjectReader& object, std::string_view key, std::string_view file_key,
                  std::vector<core::Secret>& setting);

} // namespace config
