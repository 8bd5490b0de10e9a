#include "turnd/relay/authentication.h"

#include <array>

namespace turnd {

using stun::Attribute;
using stun::ErrorCode;

std::expected<Identity, ErrorCode> Authenticator::identify(const stun::Message& request,
                                                           const core::IpAddress& client,
                                                           const Known* known,
                                                           core::WallTime now) const {
  // No integrity: a first request, which is to be challenged.
  if (!request.integrity_offset()) return std::unexpected(ErrorCode::unauthenticated);

  // Integrity without the attributes that it needs.
  const auto username = request.text(Attribute::username);
  const auto realm = request.text(Attribute::realm);
  const auto nonce = request.text(Attribute::nonce);
  if (!username || !realm || !nonce) return std::unexpected(ErrorCode::bad_request);
  if (username->size() > kMaxUsernameBytes) return std::unexpected(ErrorCode::bad_request);

  // A nonce that isn't ours, or that has aged.
  if (!nonces_.is_fresh(*nonce, client, now)) return std::unexpected(ErrorCode::stale_nonce);

  // Unknown user, wrong realm or wrong integrity: one answer, and the work of one HMAC at least,
  // so that nobody can find out which names exist.
  if (known != nullptr && known->username == *username && *realm == credentials_->realm()) {
    if (stun::has_valid_integrity(request, known->key->bytes())) {
      return Identity{*username, *known->key};
    }
  }
  std::vector<stun::Key> keys = credentials_->keys_of(*username, now);
  if (keys.empty() || *realm != credentials_->realm()) {
    static constexpr std::array<std::uint8_t, 16> kNobody{};
    (void)stun::has_valid_integrity(request, kNobody);
    return std::unexpected(ErrorCode::unauthenticated);
  }
  for (const stun::Key& key : keys) {
    if (stun::has_valid_integrity(request, key.bytes())) return Identity{*username, key};
  }
  return std::unexpected(ErrorCode::unauthenticated);
}

} // namespace turnd
