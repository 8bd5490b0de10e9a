#include "libcore/tls/certificate.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "libcore/tls/failure.h"
#include "libcore/tls/ocsp.h"

namespace tls {
namespace {

bssl::UniquePtr<BIO> reader(std::string_view pem) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Never asks a terminal for a pass phrase.
int no_pass_phrase(char*, int, int, void*) { return -1; }

// Why a PEM reader gave nothing more.
enum class Stop : std::uint8_t {
  at_end,  // there is no other block of its kind
  damaged, // what stands there is no PEM, of whatever kind
  content, // a block of its kind that does not hold what it says
};

Stop why_stopped() {
  const auto error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) == ERR_R_ASN1_LIB) {
    return Stop::content;
  }
  return ERR_GET_REASON(error) == PEM_R_NO_START_LINE ? Stop::at_end : Stop::damaged;
}

core::Result<core::Secret> read_file(const std::string& path) {
  const auto unreadable = [&](int error) {
    return core::failure(fmt::format("{}: can't be read: {}", path, std::strerror(error)));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) return unreadable(errno);
  std::setvbuf(file.get(), nullptr, _IONBF, 0); // no copy of the key in a buffer that isn't wiped
  std::string text(kMaxPemBytes + 1, '\0');
  errno = 0;
  const std::size_t size = std::fread(text.data(), 1, text.size(), file.get());
  const int error = errno;
  core::Secret pem(text.substr(0, size));
  explicit_bzero(text.data(), text.size());
  if (std::ferror(file.get()) != 0) return unreadable(error);
  return pem;
}

core::WallTime wall_time(const ASN1_TIME* time) {
  std::int64_t seconds = 0;
  if (ASN1_TIME_to_posix(time, &seconds) != 1) return {};
  return core::WallTime(std::chrono::seconds(seconds));
}

std::string subject_of(const X509* certificate) {
  std::array<char, 256> text{};
  X509_NAME_oneline(X509_get_subject_name(certificate), text.data(), static_cast<int>(text.size()));
  return text.data();
}

std::string date(core::WallTime time) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

void warn_of_dates(std::vector<std::string>& found, const std::string& source,
                   const std::string& which, const X509* certificate, core::WallTime now) {
  const core::WallTime from = wall_time(X509_get0_notBefore(certificate));
  const core::WallTime until = wall_time(X509_get0_notAfter(certificate));
  if (until < now) {
    found.push_back(fmt::format("{}: {} expired on {}", source, which, date(until)));
  } else if (until < now + kExpiresSoon) {
    found.push_back(fmt::format("{}: {} expires on {}", source, which, date(until)));
  }
  if (from > now) {
    found.push_back(fmt::format("{}: {} is not valid before {}", source, which, date(from)));
  }
}

void warn_of_ocsp(std::vector<std::string>& found, const Certificate& certificate,
                  core::WallTime now) {
  const auto warn = [&](std::string_view what) {
    found.push_back(fmt::format("{}.ocsp: {}", certificate.source, what));
  };
  const auto response = read_ocsp_response(certificate.ocsp_response);
  if (!response) return warn("is no successful OCSP response in DER; clients may refuse it");
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.leaf.get());
  const core::Bytes own(ASN1_STRING_get0_data(serial),
                        static_cast<std::size_t>(ASN1_STRING_length(serial)));
  core::Bytes said(response->serial);
  if (said.size() > 1 && said[0] == 0) said = said.subspan(1); // DER's sign octet
  if (!std::ranges::equal(said, own)) return warn("speaks of another certificate");
  if (response->status == OcspResponse::Status::revoked)
    warn("says that the certificate is revoked");
  if (response->next_update && *response->next_update < now) {
    warn(fmt::format("has aged: there was to be a newer one on {}", date(*response->next_update)));
  }
}

} // namespace

core::Result<Certificate> load_certificate(const std::string& path, const std::string& key_path) {
  const auto pem = read_file(path);
  if (!pem) return std::unexpected(pem.error());
  core::Secret key_pem;
  if (!key_path.empty()) {
    auto read = read_file(key_path);
    if (!read) return std::unexpected(read.error());
    key_pem = *std::move(read);
  }
  auto certificate = parse_certificate(path, pem->reveal(), key_pem.reveal());
  if (!certificate && !key_path.empty()) {
    return core::failure(
        fmt::format("{} (with the key of {})", certificate.error().text, key_path));
  }
  const std::string ocsp_path = path + ".ocsp";
  if (certificate && ::access(ocsp_path.c_str(), F_OK) == 0) {
    const auto ocsp = read_file(ocsp_path);
    if (!ocsp) return std::unexpected(ocsp.error());
    const core::Bytes der = core::bytes_of(ocsp->reveal());
    certificate->ocsp_response.assign(der.begin(), der.end());
  }
  return certificate;
}

core::Result<Certificate> parse_certificate(std::string source, std::string_view pem,
                                            std::string_view key_pem) {
  Certificate result;
  result.source = std::move(source);
  const auto refuse = [&](std::string_view why) {
    ERR_clear_error();
    return core::failure(fmt::format("{}: {}", result.source, why));
  };

  ERR_clear_error();
  if (pem.size() > kMaxPemBytes) {
    return refuse(
        fmt::format("is larger than {} bytes; expected a PEM file with a certificate and its key",
                    kMaxPemBytes));
  }

  const auto certificates = reader(pem);
  while (X509* one = PEM_read_bio_X509(certificates.get(), nullptr, no_pass_phrase, nullptr)) {
    bssl::UniquePtr<X509> owned(one);
    if (!result.leaf) {
      result.leaf = std::move(owned);
    } else if (result.intermediates.size() < kMaxChainLength) {
      result.intermediates.push_back(std::move(owned));
    } else {
      return refuse(fmt::format("has more than {} intermediate certificates", kMaxChainLength));
    }
  }
  switch (why_stopped()) {
    case Stop::at_end:
      break;
    case Stop::damaged:
      return refuse(fmt::format(
          "is damaged: {}; expected PEM blocks, each whole from its BEGIN line to its END line",
          take_failure()));
    case Stop::content:
      return refuse(fmt::format("a certificate in it can't be read: {}", take_failure()));
  }
  ERR_clear_error();
  if (!result.leaf)
    return refuse("has no certificate; expected '-----BEGIN CERTIFICATE-----' first, then its key");

  const auto keys = reader(key_pem.empty() ? pem : key_pem);
  result.key.reset(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_pass_phrase, nullptr));
  if (!result.key) {
    if (pem.find("ENCRYPTED") != std::string_view::npos) {
      return refuse("its private key is encrypted; expected an unencrypted key");
    }
    if (why_stopped() != Stop::at_end) {
      return refuse(fmt::format("its private key can't be read: {}", take_failure()));
    }
    return refuse(
        "has no private key; expected '-----BEGIN PRIVATE KEY-----' after the certificate");
  }
  const bssl::UniquePtr<EVP_PKEY> of_certificate(X509_get_pubkey(result.leaf.get()));
  if (!of_certificate || EVP_PKEY_cmp(of_certificate.get(), result.key.get()) != 1) {
    return refuse(fmt::format("the private key does not belong to the first certificate ({})",
                              subject_of(result.leaf.get())));
  }
  ERR_clear_error();
  return result;
}

std::vector<std::string> warnings(const Certificate& certificate, core::WallTime now) {
  std::vector<std::string> found;
  warn_of_dates(found, certificate.source, "the certificate", certificate.leaf.get(), now);
  for (const auto& issuer : certificate.intermediates) {
    warn_of_dates(found, certificate.source,
                  fmt::format("the intermediate '{}'", subject_of(issuer.get())), issuer.get(),
                  now);
  }
  if (!certificate.ocsp_response.empty()) warn_of_ocsp(found, certificate, now);
  const X509* below = certificate.leaf.get();
  for (const auto& issuer : certificate.intermediates) {
    if (X509_NAME_cmp(X509_get_issuer_name(below), X509_get_subject_name(issuer.get())) != 0) {
      found.push_back(fmt::format("{}: '{}' is not the issuer of '{}', which stands before it",
                                  certificate.source, subject_of(issuer.get()), subject_of(below)));
    }
    below = issuer.get();
  }
  return found;
}

std::vector<std::string> Certificate::dns_names() const {
  std::vector<std::string> names;
  const bssl::UniquePtr<GENERAL_NAMES> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(leaf.get(), NID_subject_alt_name, nullptr, nullptr)));
  if (!all) {
    ERR_clear_error(); // of an extension that can't be read
    return names;
  }
  for (std::size_t i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS) continue;
    std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                     static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    names.push_back(std::move(text));
  }
  return names;
}

core::WallTime Certificate::not_before() const {
  return wall_time(X509_get0_notBefore(leaf.get()));
}
core::WallTime Certificate::not_after() const { return wall_time(X509_get0_notAfter(leaf.get())); }

std::string Certificate::sha256_fingerprint() const {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(leaf.get(), EVP_sha256(), digest.data(), &size);
  return fmt::format("{:02X}", fmt::join(digest.begin(), digest.begin() + size, ":"));
}

core::Secret to_pem(const Certificate& certificate) {
  const bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate.leaf.get());
  PEM_write_bio_PKCS8PrivateKey(out.get(), certificate.key.get(), nullptr, nullptr, 0, nullptr,
                                nullptr);
  for (const auto& one : certificate.intermediates) PEM_write_bio_X509(out.get(), one.get());
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  BIO_mem_contents(out.get(), &data, &size);
  return core::Secret(std::string(reinterpret_cast<const char*>(data), size));
}

} // namespace tls
