// The long-term credential mechanism (RFC 8489 section 9.2.4), the server's side, for clients of
// RFC 8489 (password algorithms, SHA-256, user names as hashes) and of RFC 5389 alike.
#pragma once

#include <expected>
#include <memory>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/base/time.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "libcore/stun/nonce.h"
#include "turnd/relay/credentials.h"

namespace turnd {

// Who signed a request, and how; the answer is signed likewise.
struct Identity {
  std::string_view username; // borrowed until the authenticator gets other credentials, or from
                             // the request or the Known
  stun::Key key;
  stun::PasswordAlgorithm algorithm = stun::PasswordAlgorithm::md5; // that made the key
  stun::Integrity integrity = stun::Integrity::sha1;
  std::optional<core::WallTime> until{}; // the end of the access token that brought the key
};

// How a request proves who has sent it.
enum class Proof : std::uint8_t {
  right,
  absent,       // a first request, which is to be challenged
  malformed,    // not as it should be, or made worse on its way
  stale_nonce,  // not ours, or no longer
  unknown_user, //
  expired,      // a time-limited name or an access token
  wrong,        // the password, or the realm
};
inline constexpr std::size_t kProofs = 7;

// Whoever asks is not told whether a user exists; the operator is.
constexpr stun::ErrorCode code_of(Proof failed) {
  switch (failed) {
    case Proof::malformed:
      return stun::ErrorCode::bad_request;
    case Proof::stale_nonce:
      return stun::ErrorCode::stale_nonce;
    default:
      return stun::ErrorCode::unauthenticated;
  }
}

class Authenticator {
 public:
  Authenticator(std::shared_ptr<const Credentials> credentials, const stun::NonceMaker& nonces)
      : credentials_(std::move(credentials)), nonces_(nonces) {}

  // Someone whose key is known from before: an allocation's owner keeps the key that it was made
  // with, whatever becomes of the credential, so that no reload and no expiry cuts a call.
  struct Known {
    std::string_view username;
    const stun::Key* key;
    stun::PasswordAlgorithm algorithm = stun::PasswordAlgorithm::md5;
    std::optional<core::WallTime> until{};
  };

  // The error: what is wrong with it. The answer has its code_of().
  std::expected<Identity, Proof> identify(const stun::Message& request,
                                          const core::SocketAddress& client, const Known* known,
                                          core::WallTime now) const;

  // What 401 and 438 carry.
  const std::string& realm() const { return credentials_->realm(); }
  // PASSWORD-ALGORITHMS only with a nonce that promises them (RFC 8489 section 9.2.4).
  bool offers_password_algorithms() const {
    return (credentials_->features() & stun::kFeaturePasswordAlgorithms) != 0;
  }
  // And this one, when there is a third party that authorizes.
  std::optional<std::string_view> third_party() const {
    const auto& party = credentials_->third_party();
    return party ? std::optional<std::string_view>(party->server_name) : std::nullopt;
  }
  stun::NonceMaker::Nonce new_nonce(const core::SocketAddress& client, core::WallTime now) const {
    return nonces_.make(client, credentials_->features(), now);
  }

  void set_credentials(std::shared_ptr<const Credentials> credentials) {
    credentials_ = std::move(credentials);
  }
  // Nonces that the former ones made stay good where the key is the same.
  void set_nonces(const stun::NonceMaker& nonces) { nonces_ = nonces; }

 private:
  struct Claim; // what a request says about who signed it

  static std::expected<stun::PasswordAlgorithm, Proof> algorithm_of(const stun::Message& request,
                                                                    std::uint32_t offered);
  bool is_about(const Claim& claim, const Known& known) const;

  static constexpr std::size_t kMaxUsernameBytes = 508; // RFC 8489 section 14.3

  std::shared_ptr<const Credentials> credentials_;
  stun::NonceMaker nonces_;
};

} // namespace turnd
