#include "libcore/stun/user_keys.h"

#include <algorithm>
#include <string>

#include "libcore/base/secret.h"
#include "libcore/stun/opaque_string.h"

namespace stun {
namespace {

using Preparation = std::optional<std::string> (*)(std::string_view);

std::optional<Key> key_of(PasswordAlgorithm algorithm, Preparation prepare,
                          std::string_view username, std::string_view realm,
                          std::string_view password) {
  const auto name = prepare(username);
  const auto place = prepare(realm);
  auto word = prepare(password);
  if (!name || !place || !word) return std::nullopt;
  const core::Secret secret(*std::move(word));
  return long_term_key(algorithm, *name, *place, secret.reveal());
}

} // namespace

std::optional<UserKeys> user_keys(std::string_view username, std::string_view realm,
                                  std::string_view password) {
  const auto of = [&](PasswordAlgorithm algorithm, Preparation preparation) {
    return key_of(algorithm, preparation, username, realm, password);
  };
  const auto md5 = of(PasswordAlgorithm::md5, prepared);
  const auto sha256 = of(PasswordAlgorithm::sha256, prepared);
  if (!md5 || !sha256) return std::nullopt;
  UserKeys keys{.md5 = *md5, .sha256 = sha256, .md5_saslprep = std::nullopt};
  const auto older = of(PasswordAlgorithm::md5, saslprep);
  if (older && !std::ranges::equal(older->bytes(), md5->bytes())) keys.md5_saslprep = older;
  return keys;
}

} // namespace stun
