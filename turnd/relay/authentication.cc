#include "turnd/relay/authentication.h"

#include <algorithm>

namespace turnd {

using stun::Attribute;

// By name or by hash, never by both.
struct Authenticator::Claim {
  std::optional<std::string_view> username;
  std::optional<core::Bytes> userhash;
};

std::expected<Identity, Proof> Authenticator::identify(const stun::Message& request,
                                                       const core::SocketAddress& client,
                                                       const Known* known,
                                                       core::WallTime now) const {
  // No integrity: a first request, which is to be challenged.
  const bool has_sha1 = request.integrity_offset().has_value();
  const bool has_sha256 = request.integrity_sha256_offset().has_value();
  if (!has_sha1 && !has_sha256) return std::unexpected(Proof::absent);

  // Integrity without the attributes that it needs.
  const Claim claim{.username = request.text(Attribute::username),
                    .userhash = request.find(Attribute::userhash)};
  const auto realm = request.text(Attribute::realm);
  const auto nonce = request.text(Attribute::nonce);
  if (claim.username.has_value() == claim.userhash.has_value() || !realm || !nonce) {
    return std::unexpected(Proof::malformed);
  }
  if (claim.username && claim.username->size() > kMaxUsernameBytes) {
    return std::unexpected(Proof::malformed);
  }
  if (claim.userhash && claim.userhash->size() != sizeof(stun::Userhash)) {
    return std::unexpected(Proof::malformed);
  }

  // A nonce that isn't ours, or that has aged. Before the user is looked up, as only what comes with
  // a nonce of ours is worth that work.
  const auto offered = nonces_.features_of(*nonce, client, now);
  if (!offered) return std::unexpected(Proof::stale_nonce);

  const auto algorithm = algorithm_of(request, *offered);
  if (!algorithm) return std::unexpected(algorithm.error());

  // Who names a password algorithm signs, and is answered, with SHA-256; of two attributes the other
  // clients can be expected to check the older one.
  const bool names_algorithm = request.has(Attribute::password_algorithm);
  const auto integrity = has_sha256 && (names_algorithm || !has_sha1) ? stun::Integrity::sha256
                                                                      : stun::Integrity::sha1;
  const auto is_signed_with = [&](const stun::Key& key) {
    return stun::has_valid_integrity(integrity, request, key.bytes());
  };

  // The realm's name doesn't matter to an owner's key: it is in the key.
  if (known != nullptr && known->algorithm == *algorithm && is_about(claim, *known) &&
      is_signed_with(*known->key)) {
    return Identity{known->username, *known->key, *algorithm, integrity, known->until};
  }

  // Unknown user, wrong realm or wrong integrity: one answer and the same work, so that nobody can
  // find out which names exist.
  const auto token = request.find(Attribute::access_token);
  const Credentials::Candidate candidate =
      !claim.username ? credentials_->hashed(*claim.userhash, *algorithm)
      : token         ? credentials_->bearing(*claim.username, *token, now)
                      : credentials_->named(*claim.username, *algorithm, now);
  const stun::Key* right = nullptr;
  for (const stun::Key& key : candidate.keys) {
    if (right == nullptr && is_signed_with(key)) right = &key;
  }
  static const stun::Key nobody(stun::Userhash{});
  for (std::size_t i = candidate.keys.size(); i < credentials_->most_keys_of_a_user(); ++i) {
    (void)is_signed_with(nobody);
  }
  if (right == nullptr || *realm != credentials_->realm()) {
    return std::unexpected(!candidate.keys.empty() ? Proof::wrong
                           : candidate.expired     ? Proof::expired
                                                   : Proof::unknown_user);
  }
  return Identity{candidate.username, *right, *algorithm, integrity, candidate.until};
}

// RFC 8489 section 9.2.4: whoever answers to the offer returns it unchanged, or someone in between
// has made it worse.
std::expected<stun::PasswordAlgorithm, Proof> Authenticator::algorithm_of(
    const stun::Message& request, std::uint32_t offered) {
  const auto returned = request.find(Attribute::password_algorithms);
  const auto chosen = request.find(Attribute::password_algorithm);
  const bool was_offered = (offered & stun::kFeaturePasswordAlgorithms) != 0;
  if (!was_offered || (!returned && !chosen)) return stun::PasswordAlgorithm::md5;
  if (!returned || !chosen || !std::ranges::equal(*returned, stun::kOfferedPasswordAlgorithms)) {
    return std::unexpected(Proof::malformed);
  }
  const auto algorithm = stun::parse_password_algorithm(*chosen);
  if (!algorithm) return std::unexpected(Proof::malformed);
  return *algorithm;
}

bool Authenticator::is_about(const Claim& claim, const Known& known) const {
  if (claim.username) return *claim.username == known.username;
  return claim.userhash &&
         std::ranges::equal(*claim.userhash,
                            stun::userhash_of(known.username, credentials_->realm()));
}

} // namespace turnd
