#include "turnd/settings/users_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "libcore/base/text.h"
#include "libcore/config/load.h"
#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "turnd/settings/read_credentials.h"

namespace turnd {
namespace {

using config::ObjectReader;
using config::Value;

constexpr std::size_t kMd5Bytes = 16;
constexpr std::size_t kSha256Bytes = 32;

// A parser. Problems don't show the value: a key is as good as a password.
auto key_of(std::size_t size) {
  return [size](const Value& value) -> std::optional<stun::Key> {
    const std::string expected = fmt::format("{} hex digits", 2 * size);
    if (value.node().kind != config::Node::Kind::string) {
      value.error(fmt::format("{} is no key", value.kind()), expected);
      return std::nullopt;
    }
    const std::string& text = value.node().text;
    if (text.size() != 2 * size) {
      value.error(fmt::format("the key has {} characters", text.size()), expected);
      return std::nullopt;
    }
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
      const char* digits = text.data() + 2 * i;
      const auto [end, error] = std::from_chars(digits, digits + 2, bytes[i], 16);
      if (error != std::errc{} || end != digits + 2) {
        value.error(
            fmt::format("the key has something else than hex digits at character {}", 2 * i + 1),
            expected);
        return std::nullopt;
      }
    }
    return stun::Key(bytes);
  };
}

std::optional<stun::UserKeys> keys_of(const Value& value) {
  stun::UserKeys keys;
  stun::Key newer;
  stun::Key older;
  ObjectReader object(value);
  const bool has_md5 = object.require("md5", keys.md5, key_of(kMd5Bytes));
  if (object.read("sha256", newer, key_of(kSha256Bytes))) keys.sha256 = newer;
  if (object.read("md5_saslprep", older, key_of(kMd5Bytes))) keys.md5_saslprep = older;
  object.finish();
  if (!has_md5) return std::nullopt;
  return keys;
}

std::string hex(const stun::Key& key) {
  std::string text;
  for (const std::uint8_t byte : key.bytes()) text += fmt::format("{:02x}", byte);
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  core::append_escaped(out, text);
  return out + '"';
}

void note_those_without_sha256(const UsersFile& file, const std::string& path,
                               config::Problems& problems) {
  const auto lacks_it = [](const auto& user) { return !user.second.sha256; };
  const auto count = std::ranges::count_if(file.users, lacks_it);
  if (count == 0) return;
  const std::string& first = std::ranges::find_if(file.users, lacks_it)->first;
  problems.push_back(
      {config::Severity::warning,
       {path, 0, 0, ""},
       fmt::format(
           "{} of {} users, such as {}, {} an MD5 key alone, so SHA-256 is offered to nobody",
           count, file.users.size(), quoted(first), count == 1 ? "has" : "have"),
       "their passwords once more (turnd user add)"});
}

} // namespace

std::optional<UsersFile> read_users_file(const std::string& path,
                                         const config::Surroundings& surroundings,
                                         config::Problems& problems) {
  config::Problems found;
  UsersFile result;
  if (const auto file = config::read_file(path, surroundings, found, kMaxUsersFileBytes)) {
    if (file->world_readable) {
      found.push_back({config::Severity::error,
                       {path, 0, 0, ""},
                       "can be read by everybody on this machine",
                       "a file that only its owner and group may read (chmod o-r)"});
    }
    config::Reading reading{file->document, surroundings, found, file->world_readable};
    ObjectReader object(Value::root(reading));
    object.require("realm", result.realm, realm);
    object.require("users", result.users, config::map_of(user_name, keys_of, kMaxUsersInFile));
    object.finish();
    if (!config::has_error(found)) note_those_without_sha256(result, path, found);
  }
  const bool is_right = !config::has_error(found);
  for (auto& problem : found) problems.push_back(std::move(problem));
  if (!is_right) return std::nullopt;
  return result;
}

std::string to_text(const UsersFile& file) {
  std::string text = fmt::format("{{\n  \"realm\": {},\n  \"users\": {{", quoted(file.realm));
  const char* before = "\n";
  for (const auto& [name, keys] : file.users) {
    text += fmt::format("{}    {}: {{ \"md5\": \"{}\"", before, quoted(name), hex(keys.md5));
    if (keys.sha256) text += fmt::format(", \"sha256\": \"{}\"", hex(*keys.sha256));
    if (keys.md5_saslprep)
      text += fmt::format(", \"md5_saslprep\": \"{}\"", hex(*keys.md5_saslprep));
    text += " }";
    before = ",\n";
  }
  text += file.users.empty() ? "}\n}\n" : "\n  }\n}\n";
  return text;
}

} // namespace turnd
