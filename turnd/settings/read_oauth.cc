#include "turnd/settings/read_oauth.h"

#include <fmt/format.h>
#include <openssl/base64.h>

#include <algorithm>
#include <vector>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "libcore/config/secrets.h"
#include "turnd/settings/read_credentials.h"

namespace turnd {
namespace {

using config::ObjectReader;
using config::Value;
using TokenKey = Settings::Oauth::TokenKey;

std::optional<core::Secret> decoded(const core::Secret& base64, std::size_t wanted) {
  const core::Bytes text = core::bytes_of(base64.reveal());
  std::vector<std::uint8_t> bytes(text.size());
  std::size_t size = 0;
  const bool is_right =
      EVP_DecodeBase64(bytes.data(), &size, bytes.size(), text.data(), text.size()) == 1 &&
      size == wanted;
  std::optional<core::Secret> key;
  if (is_right) key.emplace(std::string(core::text_of(core::Bytes(bytes).first(size))));
  explicit_bzero(bytes.data(), bytes.size());
  return key;
}

std::optional<TokenKey> token_key(const Value& value) {
  TokenKey key;
  core::Secret base64;
  ObjectReader object(value);
  const bool has_id = object.require("kid", key.id, config::text(kMaxUserBytes));
  const bool has_key = config::read_secret(object, "key", "key_file", base64);
  object.read("algorithm", key.algorithm,
              config::choice<stun::TokenAlgorithm>({{"A256GCM", stun::TokenAlgorithm::a256gcm},
                                                    {"A128GCM", stun::TokenAlgorithm::a128gcm}}));
  object.finish();
  if (!has_key && !object.has("key") && !object.has("key_file")) {
    value.error("\"key\" is missing", "the key in base64, or \"key_file\"");
  }
  if (!has_id || !has_key) return std::nullopt;

  const std::size_t size = stun::key_bytes_of(key.algorithm);
  auto bytes = decoded(base64, size);
  if (!bytes) {
    object.place_of(object.has("key_file") ? "key_file" : "key")
        .error("the key doesn't fit its algorithm", fmt::format("{} bytes in base64", size));
    return std::nullopt;
  }
  key.key = *std::move(bytes);
  return key;
}

} // namespace

std::optional<Settings::Oauth> oauth(const Value& value) {
  Settings::Oauth oauth;
  ObjectReader object(value);
  const bool has_name =
      object.require("server_name", oauth.server_name, config::text(kMaxServerNameBytes));
  const bool has_keys =
      object.require("keys", oauth.keys, config::some_of(token_key, kMaxTokenKeys, "key"));
  object.finish();
  if (!has_name || !has_keys) return std::nullopt;

  const auto list = object.place_of("keys");
  for (std::size_t i = 0; i < oauth.keys.size(); ++i) {
    const auto first = std::ranges::find(oauth.keys, oauth.keys[i].id, &TokenKey::id);
    if (first != oauth.keys.begin() + static_cast<std::ptrdiff_t>(i)) {
      list.element(i).error(fmt::format("\"{}\" is listed already", oauth.keys[i].id),
                            "each key once");
    }
  }
  return oauth;
}

} // namespace turnd
