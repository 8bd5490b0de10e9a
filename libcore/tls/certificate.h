// A server certificate with its chain and private key, as an administrator hands it over: one PEM
// file with the certificate, the unencrypted key and the intermediates, in the appliance's order
// (key and intermediates are also taken in another order; the first certificate is the server's).
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/base/secret.h"
#include "libcore/base/time.h"

namespace tls {

inline constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxChainLength = 16;

struct Certificate {
  std::string source; // the file, for messages; "self-signed" when made here
  bssl::UniquePtr<X509> leaf;
  std::vector<bssl::UniquePtr<X509>> intermediates;
  bssl::UniquePtr<EVP_PKEY> key;
  std::vector<std::uint8_t> ocsp_response; // DER, to be stapled; empty: none

  std::vector<std::string> dns_names() const; // of the subject alternative names, lower case
  core::WallTime not_before() const;
  core::WallTime not_after() const;
  std::string sha256_fingerprint() const; // "AB:CD:…"
};

// Fails, saying what is wrong and where: unreadable, no certificate, no key, an encrypted key, a
// key that does not belong to the certificate, too large.
//
// `key_path`: a file with the key, when it is not in the same one. Beside the certificate a file of
// the same name with ".ocsp" behind it holds an OCSP response (DER) to be stapled, if there is one.
core::Result<Certificate> load_certificate(const std::string& path,
                                           const std::string& key_path = {});
core::Result<Certificate> parse_certificate(std::string source, std::string_view pem,
                                            std::string_view key_pem = {});

// What an administrator should know of a usable certificate at `now`: expired, not yet valid or soon
// to expire, it or an intermediate; an intermediate that is not the issuer of the one before; an OCSP
// response that is another certificate's, says "revoked" or has aged. Empty when all is well.
inline constexpr std::chrono::days kExpiresSoon{7};
std::vector<std::string> warnings(const Certificate& certificate, core::WallTime now);

// A fresh ECDSA P-256 certificate for `names` (DNS names or IP addresses), valid for a year.
core::Result<Certificate> make_self_signed(const std::vector<std::string>& names,
                                           core::WallTime now);

// Both in one PEM text, in the appliance's order.
core::Secret to_pem(const Certificate& certificate);

} // namespace tls
