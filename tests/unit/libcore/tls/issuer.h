// A certificate authority for tests: a root, intermediates below it, and server certificates.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "libcore/tls/certificate.h"

inline constexpr core::WallTime kToday{
    std::chrono::sys_days{std::chrono::year{2026} / 6 / 15}.time_since_epoch()};

struct Validity {
  core::WallTime from = kToday - std::chrono::days(10);
  core::WallTime until = kToday + std::chrono::days(10);
};

struct Issued {
  bssl::UniquePtr<X509> certificate;
  bssl::UniquePtr<EVP_PKEY> key;
};

inline bssl::UniquePtr<EVP_PKEY> fresh_key() {
  const bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  REQUIRE(EC_KEY_generate_key(ec.get()) == 1);
  REQUIRE(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1);
  return key;
}

inline bssl::UniquePtr<EVP_PKEY> fresh_rsa_key() {
  const bssl::UniquePtr<RSA> rsa(RSA_new());
  const bssl::UniquePtr<BIGNUM> exponent(BN_new());
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  REQUIRE(BN_set_word(exponent.get(), RSA_F4) == 1);
  REQUIRE(RSA_generate_key_ex(rsa.get(), 2048, exponent.get(), nullptr) == 1);
  REQUIRE(EVP_PKEY_set1_RSA(key.get(), rsa.get()) == 1);
  return key;
}

inline void extend(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
  REQUIRE(extension);
  REQUIRE(X509_add_ext(certificate, extension.get(), -1) == 1);
}

// Signed by `issuer`, or by itself when that is null. `names` as for the extension: "DNS:a.example".
inline Issued issue(const std::string& common_name, const Issued* issuer, bool authority,
                    const std::string& names = "", const Validity& validity = {},
                    bssl::UniquePtr<EVP_PKEY> key = fresh_key()) {
  Issued made{bssl::UniquePtr<X509>(X509_new()), std::move(key)};
  X509* x509 = made.certificate.get();
  REQUIRE(X509_set_version(x509, X509_VERSION_3) == 1);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1);
  ASN1_TIME_set_posix(X509_getm_notBefore(x509), validity.from.time_since_epoch().count());
  ASN1_TIME_set_posix(X509_getm_notAfter(x509), validity.until.time_since_epoch().count());
  X509_set_pubkey(x509, made.key.get());
  X509_NAME* subject = X509_get_subject_name(x509);
  REQUIRE(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                     reinterpret_cast<const std::uint8_t*>(common_name.data()),
                                     static_cast<ossl_ssize_t>(common_name.size()), -1, 0) == 1);
  X509_set_issuer_name(
      x509, issuer == nullptr ? subject : X509_get_subject_name(issuer->certificate.get()));
  extend(x509, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!names.empty()) extend(x509, NID_subject_alt_name, names);
  EVP_PKEY* signer = issuer == nullptr ? made.key.get() : issuer->key.get();
  REQUIRE(X509_sign(x509, signer, EVP_sha256()) != 0);
  return made;
}

template <typename Write>
std::string pem_by(Write write) {
  const bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  REQUIRE(write(out.get()) == 1);
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  REQUIRE(BIO_mem_contents(out.get(), &data, &size) == 1);
  return {reinterpret_cast<const char*>(data), size};
}

inline std::string pem_of(X509* certificate) {
  return pem_by([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}
inline std::string pem_of(EVP_PKEY* key) {
  return pem_by([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

// A server certificate for TLS tests: parsed, with its chain.
inline tls::Certificate certificate_for(const Issued& server,
                                        const std::vector<const Issued*>& chain = {}) {
  std::string pem = pem_of(server.certificate.get()) + pem_of(server.key.get());
  for (const Issued* one : chain) pem += pem_of(one->certificate.get());
  auto certificate = tls::parse_certificate("test.pem", pem);
  REQUIRE(certificate.has_value());
  return std::move(*certificate);
}
