#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>

#include "libcore/tls/certificate.h"
#include "tests/unit/libcore/tls/issuer.h"

namespace {

tls::Certificate made(const std::vector<std::string>& names) {
  auto certificate = tls::make_self_signed(names, kToday);
  INFO((certificate ? "" : certificate.error().text));
  REQUIRE(certificate.has_value());
  return std::move(*certificate);
}

bool is_for_host(const tls::Certificate& certificate, std::string_view name) {
  return X509_check_host(certificate.leaf.get(), name.data(), name.size(), 0, nullptr) == 1;
}
bool is_for_ip(const tls::Certificate& certificate, const char* ip) {
  return X509_check_ip_asc(certificate.leaf.get(), ip, 0) == 1;
}

TEST_CASE("a self-signed certificate is for its names and addresses, and no others") {
  const auto certificate =
      made({"vestibule.example.com", "*.example.org", "192.0.2.7", "2001:db8::7"});
  CHECK(certificate.source == "self-signed");
  CHECK(is_for_host(certificate, "vestibule.example.com"));
  CHECK(is_for_host(certificate, "any.example.org"));
  CHECK(is_for_ip(certificate, "192.0.2.7"));
  CHECK(is_for_ip(certificate, "2001:db8::7"));
  CHECK_FALSE(is_for_host(certificate, "other.example.com"));
  CHECK_FALSE(is_for_host(certificate, "example.org"));
  CHECK_FALSE(is_for_host(certificate, "192.0.2.7"));
  CHECK_FALSE(is_for_ip(certificate, "192.0.2.8"));
  CHECK(certificate.dns_names() ==
        std::vector<std::string>{"vestibule.example.com", "*.example.org"});
}

TEST_CASE(
    "a self-signed certificate is P-256, version 3, a server's, no authority, and its own issuer") {
  const auto certificate = made({"a.example"});
  X509* x509 = certificate.leaf.get();
  CHECK(X509_get_version(x509) == X509_VERSION_3);
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(certificate.key.get());
  REQUIRE(ec != nullptr);
  CHECK(EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == NID_X9_62_prime256v1);
  CHECK(X509_verify(x509, certificate.key.get()) == 1);
  CHECK(X509_check_ca(x509) == 0);
  CHECK(X509_check_purpose(x509, X509_PURPOSE_SSL_SERVER, 0) == 1);
  CHECK(X509_check_purpose(x509, X509_PURPOSE_SSL_CLIENT, 0) == 0);
}

TEST_CASE("a self-signed certificate is valid now, a day ago for slow clocks, and for a year") {
  const auto certificate = made({"a.example"});
  using std::chrono::days;
  CHECK(certificate.not_before() == kToday - days(1));
  CHECK(certificate.not_after() == kToday + days(365));
  CHECK(tls::warnings(certificate, kToday).empty());
}

TEST_CASE("each self-signed certificate has its own key and serial number") {
  const auto first = made({"a.example"});
  const auto second = made({"a.example"});
  CHECK(EVP_PKEY_cmp(first.key.get(), second.key.get()) != 1);
  CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(first.leaf.get()),
                         X509_get0_serialNumber(second.leaf.get())) != 0);
}

TEST_CASE(
    "a self-signed certificate can do without names, and with names longer than a common name") {
  CHECK(made({}).dns_names().empty());
  const std::string label(60, 'a');
  const std::string longest = label + "." + label + "." + label + ".example";
  const auto certificate = made({longest});
  CHECK(is_for_host(certificate, longest));
}

TEST_CASE("a self-signed certificate survives being written and read") {
  const auto certificate = made({"a.example", "192.0.2.7"});
  const auto again = tls::parse_certificate("again", tls::to_pem(certificate).reveal());
  REQUIRE(again.has_value());
  CHECK(X509_cmp(again->leaf.get(), certificate.leaf.get()) == 0);
}

TEST_CASE("names that are none are refused, and can't smuggle others in") {
  const std::string name =
      GENERATE(std::string("a.example,DNS:b.example"), std::string("a b"), std::string(),
               std::string("*."), std::string("a.*.example"),
               std::string("b\xc3\xbc"
                           "cher.example"),
               std::string("a\nb"), std::string(254, 'a'), std::string("[::1]"));
  const auto refused = tls::make_self_signed({"fine.example", name}, kToday);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text ==
        "can't make a self-signed certificate: expected a DNS name or an IP address, not '" + name +
            "'");
}

} // namespace
