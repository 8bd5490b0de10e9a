#include "libcore/tls/certificate.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/unit/libcore/tls/issuer.h"
#include "tests/unit/libcore/tls/ocsp_response.h"

namespace {

using std::chrono::days;
using std::chrono::seconds;

// root -> above -> below -> server
struct Chain {
  Issued root = issue("Root", nullptr, true);
  Issued above = issue("Above", &root, true);
  Issued below = issue("Below", &above, true);
  Issued server = issue("a.example", &below, false, "DNS:a.example,DNS:*.B.Example,IP:192.0.2.1");

  std::string certificate = pem_of(server.certificate.get());
  std::string key = pem_of(server.key.get());
  std::string intermediates = pem_of(below.certificate.get()) + pem_of(above.certificate.get());
};

const Chain& chain() {
  static const Chain made;
  return made;
}

tls::Certificate parsed(std::string_view pem) {
  auto certificate = tls::parse_certificate("x.pem", pem);
  INFO((certificate ? "" : certificate.error().text));
  REQUIRE(certificate.has_value());
  return std::move(*certificate);
}

std::string refusal(std::string_view pem) {
  const auto certificate = tls::parse_certificate("x.pem", pem);
  REQUIRE_FALSE(certificate.has_value());
  CHECK(ERR_peek_error() == 0); // nothing left for the next caller of BoringSSL to stumble over
  return certificate.error().text;
}

void check_is_the_chain(const tls::Certificate& certificate) {
  CHECK(X509_cmp(certificate.leaf.get(), chain().server.certificate.get()) == 0);
  CHECK(EVP_PKEY_cmp(certificate.key.get(), chain().server.key.get()) == 1);
  REQUIRE(certificate.intermediates.size() == 2);
  CHECK(X509_cmp(certificate.intermediates[0].get(), chain().below.certificate.get()) == 0);
  CHECK(X509_cmp(certificate.intermediates[1].get(), chain().above.certificate.get()) == 0);
}

// ---- what is taken

TEST_CASE("certificate, key and intermediates are taken in the appliance's order and in others") {
  const Chain& c = chain();
  check_is_the_chain(parsed(c.certificate + c.key + c.intermediates));
  check_is_the_chain(parsed(c.certificate + c.intermediates + c.key));
  check_is_the_chain(parsed(c.key + c.certificate + c.intermediates));
}

TEST_CASE("what tools write around the blocks is passed over") {
  const Chain& c = chain();
  std::string pem = "Bag Attributes\n    localKeyID: 01\nsubject=CN = a.example\n" + c.certificate +
                    "\nKey Attributes: <No Attributes>\n" + c.key + "\n\n" + c.intermediates;
  SECTION("as it stands") {}
  SECTION("without a last line end") { pem.pop_back(); }
  SECTION("with CR LF line ends") {
    for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) {
      pem.replace(at, 1, "\r\n");
    }
  }
  SECTION("with the curve's parameters, as openssl ecparam -genkey writes them") {
    pem += "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  }
  check_is_the_chain(parsed(pem));
}

TEST_CASE("a key in the traditional form (RFC 5915) is taken") {
  const Chain& c = chain();
  const std::string key = pem_by([&](BIO* out) {
    return PEM_write_bio_ECPrivateKey(out, EVP_PKEY_get0_EC_KEY(c.server.key.get()), nullptr,
                                      nullptr, 0, nullptr, nullptr);
  });
  REQUIRE(key.starts_with("-----BEGIN EC PRIVATE KEY-----"));
  check_is_the_chain(parsed(c.certificate + key + c.intermediates));
}

TEST_CASE("to_pem() writes the appliance's order, and what it writes is read again") {
  const Chain& c = chain();
  const auto pem = tls::to_pem(parsed(c.key + c.certificate + c.intermediates));
  CHECK(pem.reveal() == c.certificate + c.key + c.intermediates);
  check_is_the_chain(parsed(pem.reveal()));
}

// ---- what is refused

TEST_CASE("a file without a certificate is refused") {
  const std::string expected =
      "x.pem: has no certificate; expected '-----BEGIN CERTIFICATE-----' first, then its key";
  CHECK(refusal("") == expected);
  CHECK(refusal("hello\n") == expected);
  CHECK(refusal(std::string_view("\0\xff\x01", 3)) == expected);
  CHECK(refusal(chain().key) == expected);
}

TEST_CASE("a file without a key is refused") {
  const std::string expected =
      "x.pem: has no private key; expected '-----BEGIN PRIVATE KEY-----' after the certificate";
  CHECK(refusal(chain().certificate) == expected);
  CHECK(refusal(chain().certificate + chain().intermediates) == expected);
}

TEST_CASE("an encrypted key is refused in both of its forms, and no terminal is asked") {
  const Chain& c = chain();
  const std::string expected = "x.pem: its private key is encrypted; expected an unencrypted key";
  // With an empty pass phrase, too: a key that anybody can decrypt is a mistake to be told of.
  std::string phrase = GENERATE("secret", "");
  const std::string pkcs8 = pem_by([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, c.server.key.get(), EVP_aes_256_cbc(), phrase.data(),
                                         static_cast<int>(phrase.size()), nullptr, nullptr);
  });
  REQUIRE(pkcs8.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
  CHECK(refusal(c.certificate + pkcs8 + c.intermediates) == expected);
  if (phrase.empty()) return;
  const std::string traditional = pem_by([&](BIO* out) {
    return PEM_write_bio_ECPrivateKey(out, EVP_PKEY_get0_EC_KEY(c.server.key.get()),
                                      EVP_aes_128_cbc(),
                                      reinterpret_cast<std::uint8_t*>(phrase.data()),
                                      static_cast<int>(phrase.size()), nullptr, nullptr);
  });
  REQUIRE(traditional.find("Proc-Type: 4,ENCRYPTED") != std::string::npos);
  CHECK(refusal(c.certificate + traditional) == expected);
}

TEST_CASE("a key that belongs to another certificate is refused, and the certificate named") {
  const Chain& c = chain();
  CHECK(refusal(c.certificate + pem_of(c.below.key.get())) ==
        "x.pem: the private key does not belong to the first certificate (/CN=a.example)");
  // The intermediate first: the commonest mistake of order.
  CHECK(refusal(c.intermediates + c.certificate + c.key) ==
        "x.pem: the private key does not belong to the first certificate (/CN=Below)");
}

TEST_CASE("a certificate or a key that is damaged is refused with the reason") {
  const Chain& c = chain();
  const auto damaged = [](std::string pem, std::string_view with) {
    return pem.replace(pem.find('\n') + 1, with.size(), with);
  };
  const std::string blocks =
      "; expected PEM blocks, each whole from its BEGIN line to its END line";
  CHECK(refusal(damaged(c.certificate, "!!!!") + c.key) ==
        "x.pem: is damaged: BAD_BASE64_DECODE" + blocks);
  CHECK(refusal(c.certificate + damaged(c.key, "!!!!")) ==
        "x.pem: is damaged: BAD_BASE64_DECODE" + blocks);
  CHECK(refusal(c.certificate.substr(0, 200)) == "x.pem: is damaged: BAD_END_LINE" + blocks);
  CHECK(refusal(c.certificate + c.key + c.intermediates.substr(0, 300)) ==
        "x.pem: is damaged: BAD_END_LINE" + blocks);
  // Sound PEM around something else.
  CHECK(refusal(damaged(c.certificate, "AAAAAAAA") + c.key)
            .starts_with("x.pem: a certificate in it can't be read: "));
  CHECK(refusal(c.certificate + damaged(c.key, "AAAAAAAA"))
            .starts_with("x.pem: its private key can't be read: "));
}

TEST_CASE("errors that others left in BoringSSL's queue don't confuse the reader") {
  ERR_put_error(ERR_LIB_PEM, 0, PEM_R_BAD_BASE64_DECODE, "", 0);
  check_is_the_chain(parsed(chain().certificate + chain().key + chain().intermediates));
  ERR_put_error(ERR_LIB_EVP, 0, 1, "", 0);
  CHECK(refusal(chain().certificate.substr(0, 200)) ==
        "x.pem: is damaged: BAD_END_LINE; expected PEM blocks, each whole from its BEGIN line to "
        "its END line");
}

TEST_CASE("a chain is taken up to kMaxChainLength intermediates") {
  const Chain& c = chain();
  std::string pem = c.certificate + c.key;
  for (std::size_t i = 0; i < tls::kMaxChainLength; ++i) pem += pem_of(c.below.certificate.get());
  CHECK(parsed(pem).intermediates.size() == tls::kMaxChainLength);
  CHECK(refusal(pem + c.intermediates) == "x.pem: has more than 16 intermediate certificates");
}

// ---- files

struct Folder {
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "vestibule-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(std::string_view text) const {
    const auto file = path / "server.pem";
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  std::filesystem::path path;
};

TEST_CASE("a file is loaded, and named in what is said of it") {
  const Folder folder;
  const Chain& c = chain();
  const auto file = folder.write(c.certificate + c.key + c.intermediates);
  const auto certificate = tls::load_certificate(file);
  REQUIRE(certificate.has_value());
  CHECK(certificate->source == file);
  check_is_the_chain(*certificate);
}

TEST_CASE("a file that can't be read is refused with the system's reason") {
  const Folder folder;
  const std::string nowhere = folder.path / "nowhere.pem";
  auto refused = tls::load_certificate(nowhere);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text == nowhere + ": can't be read: No such file or directory");
  refused = tls::load_certificate(folder.path);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text == folder.path.string() + ": can't be read: Is a directory");
}

TEST_CASE("a file is loaded up to kMaxPemBytes") {
  const Folder folder;
  std::string pem = chain().certificate + chain().key;
  pem.resize(tls::kMaxPemBytes, '\n');
  CHECK(tls::load_certificate(folder.write(pem)).has_value());
  const auto refused = tls::load_certificate(folder.write(pem + '\n'));
  REQUIRE_FALSE(refused.has_value());
  CHECK(
      refused.error().text.ends_with("server.pem: is larger than 1048576 bytes; expected a PEM "
                                     "file with a certificate and its key"));
}

// ---- what is known of a certificate

TEST_CASE("the DNS names of a certificate are given in lower case, other names are not") {
  CHECK(parsed(chain().certificate + chain().key).dns_names() ==
        std::vector<std::string>{"a.example", "*.b.example"});
  const Issued bare = issue("bare.example", nullptr, false);
  CHECK(certificate_for(bare).dns_names().empty()); // the common name is not one (RFC 6125 6.4.4)
}

TEST_CASE("names that can't be read are none, and leave no error behind") {
  Issued server = issue("a.example", nullptr, false);
  // A subject alternative name of one octet more than there is.
  const bssl::UniquePtr<ASN1_OCTET_STRING> damaged(ASN1_OCTET_STRING_new());
  REQUIRE(ASN1_STRING_set(damaged.get(),
                          "\x30\x03\x82\x02"
                          "a",
                          5) == 1);
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509_EXTENSION_create_by_NID(nullptr, NID_subject_alt_name, 0, damaged.get()));
  REQUIRE(X509_add_ext(server.certificate.get(), extension.get(), -1) == 1);
  REQUIRE(X509_sign(server.certificate.get(), server.key.get(), EVP_sha256()) != 0);
  const auto certificate = certificate_for(server);
  CHECK(certificate.dns_names().empty());
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("the fingerprint is the SHA-256 of the certificate's DER form") {
  const auto certificate = parsed(chain().certificate + chain().key);
  std::uint8_t* der = nullptr;
  const int size = i2d_X509(certificate.leaf.get(), &der);
  REQUIRE(size > 0);
  const bssl::UniquePtr<std::uint8_t> owned(der);
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  std::string expected;
  for (const std::uint8_t byte : digest) {
    std::array<char, 4> text{};
    std::snprintf(text.data(), text.size(), "%02X:", byte);
    expected += text.data();
  }
  expected.pop_back();
  CHECK(certificate.sha256_fingerprint() == expected);
}

TEST_CASE("validity is told in wall time, and warned of outside of it") {
  const Issued server = issue("a.example", nullptr, false, "DNS:a.example");
  const auto certificate = certificate_for(server);
  const core::WallTime from = kToday - days(10);
  const core::WallTime until = kToday + days(10);
  CHECK(certificate.not_before() == from);
  CHECK(certificate.not_after() == until);
  for (const core::WallTime good : {from, kToday, until - tls::kExpiresSoon}) {
    CHECK(tls::warnings(certificate, good).empty());
  }
  CHECK(tls::warnings(certificate, until + seconds(1)) ==
        std::vector<std::string>{"test.pem: the certificate expired on 2026-06-25"});
  CHECK(tls::warnings(certificate, from - seconds(1)) ==
        std::vector<std::string>{"test.pem: the certificate is not valid before 2026-06-05"});
}

TEST_CASE("intermediates out of order are warned of") {
  const Chain& c = chain();
  CHECK(tls::warnings(parsed(c.certificate + c.key + c.intermediates), kToday).empty());
  const auto swapped = parsed(c.certificate + c.key + pem_of(c.above.certificate.get()) +
                              pem_of(c.below.certificate.get()));
  CHECK(tls::warnings(swapped, kToday) ==
        std::vector<std::string>{
            "x.pem: '/CN=Above' is not the issuer of '/CN=a.example', which stands before it",
            "x.pem: '/CN=Below' is not the issuer of '/CN=Above', which stands before it"});
}

} // namespace

TEST_CASE("a certificate or an intermediate that expires soon, or has expired, is warned of") {
  const Validity soon{.from = kToday - std::chrono::days(80),
                      .until = kToday + tls::kExpiresSoon - std::chrono::days(1)};
  const Validity past{.from = kToday - std::chrono::days(80),
                      .until = kToday - std::chrono::days(1)};
  const Issued root = issue("Root", nullptr, true, "", past);
  const Issued server = issue("a", &root, false, "DNS:a.example", soon);
  const auto found = tls::warnings(certificate_for(server, {&root}), kToday);
  CHECK(found ==
        std::vector<std::string>{"test.pem: the certificate expires on 2026-06-21",
                                 "test.pem: the intermediate '/CN=Root' expired on 2026-06-14"});
}

TEST_CASE("the key may stand in a file of its own, and must belong to the certificate") {
  const Issued server = issue("a", nullptr, false, "DNS:a.example");
  const Issued other = issue("b", nullptr, false);
  const std::string certificate = pem_of(server.certificate.get());
  CHECK(tls::parse_certificate("a.pem", certificate, pem_of(server.key.get())).has_value());
  const auto refused = tls::parse_certificate("a.pem", certificate, pem_of(other.key.get()));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.contains("does not belong to the first certificate (/CN=a)"));
}

TEST_CASE("an OCSP response that is another's, revoked or too old is warned of") {
  const Issued server = issue("a", nullptr, false, "DNS:a.example");
  auto certificate = certificate_for(server);
  const ASN1_INTEGER* serial = X509_get0_serialNumber(server.certificate.get());
  std::vector<std::uint8_t> own(ASN1_STRING_get0_data(serial),
                                ASN1_STRING_get0_data(serial) + ASN1_STRING_length(serial));
  if (own[0] >= 0x80) own.insert(own.begin(), 0); // DER's sign octet
  const auto warned = [&](const OcspFields& fields) {
    certificate.ocsp_response = ocsp_response(fields);
    return tls::warnings(certificate, kToday);
  };
  CHECK(warned({.serial = own,
                .status = 0,
                .this_update = "20260614000000Z",
                .next_update = "20260616000000Z"})
            .empty());
  CHECK(warned({.serial = {1, 2},
                .status = 0,
                .this_update = "20260614000000Z",
                .next_update = "20260616000000Z"}) ==
        std::vector<std::string>{"test.pem.ocsp: speaks of another certificate"});
  CHECK(warned({.serial = own,
                .status = 1,
                .this_update = "20260601000000Z",
                .next_update = "20260610000000Z"}) ==
        std::vector<std::string>{
            "test.pem.ocsp: says that the certificate is revoked",
            "test.pem.ocsp: has aged: there was to be a newer one on 2026-06-10"});
  certificate.ocsp_response = {1, 2, 3};
  CHECK(tls::warnings(certificate, kToday).size() == 1);
}
