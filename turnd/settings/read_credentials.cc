#include "turnd/settings/read_credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "libcore/config/secrets.h"
#include "libcore/stun/opaque_string.h"
#include "turnd/settings/read_oauth.h"
#include "turnd/settings/users_file.h"

namespace turnd {
namespace {

using config::ObjectReader;
using config::Value;

constexpr const char* kUnsendable =
    "a character that no client can send (a control, or unassigned)";
constexpr const char* kSendable = "text that RFC 8265 allows in names and passwords";

std::optional<core::Secret> password(const Value& value) {
  auto secret = config::secret(value);
  if (!secret) return std::nullopt;
  if (!stun::prepared(secret->reveal())) {
    value.error(fmt::format("the password holds {}", kUnsendable), kSendable);
    return std::nullopt;
  }
  return secret;
}

void read_users_of_file(const Value& place, const std::string& path, const std::string& realm,
                        Settings::Credentials& credentials) {
  auto& problems = place.reading().problems;
  auto file = read_users_file(path, place.reading().surroundings, problems);
  if (!file) return place.error("the users file can't be used");
  if (file->realm != realm) {
    return place.error(fmt::format("the users file is for the realm \"{}\"", file->realm),
                       fmt::format("keys for \"{}\": they are of no use in another realm", realm));
  }
  for (const auto& [name, keys] : file->users) {
    if (credentials.users.contains(name)) {
      place.error(fmt::format("the users file has the user \"{}\", as \"users\" has", name),
                  "each user once");
    }
  }
  credentials.stored_users = std::move(file->users);
}

std::optional<std::string> checked_name(const Value& key, const std::string& name) {
  if (name.empty() || name.size() > kMaxUserBytes) {
    key.error(name.empty() ? std::string("an empty name")
                           : fmt::format("the name is {} bytes long", name.size()),
              fmt::format("1 to {} bytes", kMaxUserBytes));
    return std::nullopt;
  }
  auto prepared = stun::prepared(name);
  if (!prepared) key.error(fmt::format("the name holds {}", kUnsendable), kSendable);
  return prepared;
}

// "user" with "password" or "password_file": one more of "users", whose name may be a variable.
void read_user(ObjectReader& object, Settings::Credentials& credentials) {
  std::string name;
  core::Secret password;
  const bool has_name = object.read("user", name, [](const Value& value) {
    const auto text = config::text(kMaxUserBytes)(value);
    return text ? checked_name(value, *text) : std::nullopt;
  });
  const bool has_password = config::read_secret(object, "password", "password_file", password);
  const bool password_meant = object.has("password") || object.has("password_file");
  if (object.has("user") && !password_meant) {
    object.place_of("user").error("a user without a password", "\"password_file\" beside it");
  } else if (password_meant && !object.has("user")) {
    object.value().error("a password without a user", "\"user\" beside it");
  }
  if (!has_name || !has_password) return;
  if (!stun::prepared(password.reveal())) {
    object.place_of(object.has("password") ? "password" : "password_file")
        .error(fmt::format("the password holds {}", kUnsendable), kSendable);
  } else if (!credentials.users.emplace(std::move(name), std::move(password)).second) {
    object.place_of("user").error("this user is among \"users\" already", "each user once");
  }
}

} // namespace

std::optional<std::string> realm(const Value& value) {
  const auto text = config::text(kMaxRealmBytes)(value);
  if (!text) return std::nullopt;
  auto prepared = stun::prepared(*text);
  if (!prepared) value.refuse(fmt::format("holds {}", kUnsendable), kSendable);
  return prepared;
}

std::optional<std::string> user_name(const Value& key) {
  if (key.tells(config::Shape::text("name"))) return std::nullopt;
  return checked_name(key, key.node().text); // no variables in keys
}

void read_credentials(const Value& value, const std::string& realm,
                      Settings::Credentials& credentials) {
  ObjectReader object(value);
  object.read("users", credentials.users, config::map_of(user_name, password, kMaxUsers));
  read_user(object, credentials);
  object.read("users_file", credentials.users_file, config::nullable(config::path));
  if (credentials.users_file) {
    read_users_of_file(object.place_of("users_file"), *credentials.users_file, realm, credentials);
  }
  config::read_secrets(object, "shared_secrets", "shared_secrets_file", credentials.shared_secrets);
  if (credentials.shared_secrets.size() > kMaxSharedSecrets) {
    object.place_of(object.has("shared_secrets_file") ? "shared_secrets_file" : "shared_secrets")
        .error(fmt::format("{} shared secrets", credentials.shared_secrets.size()),
               fmt::format("at most {}: each costs work", kMaxSharedSecrets));
  }
  object.read("oauth", credentials.oauth, config::nullable(oauth));
  object.finish();
  const auto is_given = [&](std::string_view key) {
    const auto* node = value.node().member(key);
    return node && (!node->members.empty() || !node->elements.empty() || !node->text.empty());
  };
  constexpr std::array kKinds{"users",
                              "user",
                              "password",
                              "password_file",
                              "users_file",
                              "shared_secrets",
                              "shared_secrets_file",
                              "oauth"};
  if (object.is_object() && std::ranges::none_of(kKinds, is_given)) {
    value.warning(
        "neither users nor shared secrets: nobody can relay, the server answers STUN alone");
  }
}

} // namespace turnd
