#include <fmt/format.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/tls/certificate.h"
#include "libcore/tls/failure.h"

namespace tls {
namespace {

constexpr auto kValidity = std::chrono::hours(24 * 365);
constexpr std::size_t kMaxCommonName = 64;          // RFC 5280, ub-common-name
constexpr auto kClockSkew = std::chrono::hours(24); // a client's clock may be behind

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Letters, digits, hyphens and dots, perhaps behind "*.": nothing that the extension's own syntax
// could take for another name.
bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
}

} // namespace

core::Result<Certificate> make_self_signed(const std::vector<std::string>& names,
                                           core::WallTime now) {
  const auto failed = [] {
    return core::failure(fmt::format("can't make a self-signed certificate: {}", take_failure()));
  };
  for (const std::string& name : names) {
    if (is_dns_name(name) || core::IpAddress::parse(name)) continue;
    return core::failure(fmt::format(
        "can't make a self-signed certificate: expected a DNS name or an IP address, not '{}'",
        name));
  }
  Certificate result;
  result.source = "self-signed";

  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  result.key.reset(EVP_PKEY_new());
  if (!ec || EC_KEY_generate_key(ec.get()) != 1 ||
      EVP_PKEY_set1_EC_KEY(result.key.get(), ec.get()) != 1) {
    return failed();
  }

  result.leaf.reset(X509_new());
  X509* x509 = result.leaf.get();
  X509_set_version(x509, X509_VERSION_3);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1);
  const auto posix = [](core::WallTime t) {
    return static_cast<std::int64_t>(t.time_since_epoch().count());
  };
  ASN1_TIME_set_posix(X509_getm_notBefore(x509), posix(now - kClockSkew));
  ASN1_TIME_set_posix(X509_getm_notAfter(x509), posix(now + kValidity));
  X509_set_pubkey(x509, result.key.get());

  const std::string common_name =
      names.empty() || names.front().size() > kMaxCommonName ? "vestibule" : names.front();
  X509_NAME* subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<const std::uint8_t*>(common_name.data()),
                             static_cast<ossl_ssize_t>(common_name.size()), -1, 0);
  X509_set_issuer_name(x509, subject);

  std::string alternatives;
  for (const std::string& name : names) {
    if (!alternatives.empty()) alternatives += ',';
    alternatives += (core::IpAddress::parse(name) ? "IP:" : "DNS:") + name;
  }
  if (!add_extension(x509, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(x509, NID_ext_key_usage, "serverAuth") ||
      (!names.empty() && !add_extension(x509, NID_subject_alt_name, alternatives))) {
    return failed();
  }
  if (X509_sign(x509, result.key.get(), EVP_sha256()) == 0) return failed();
  return result;
}

} // namespace tls
