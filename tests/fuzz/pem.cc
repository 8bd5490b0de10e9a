// A certificate file as an administrator, or an accident, may have left it: whatever it holds, it is
// either refused with one line that names it, or what was read can be used.
#include <openssl/err.h>

#include <cstdio>
#include <cstdlib>
#include <source_location>

#include "libcore/base/bytes.h"
#include "libcore/tls/certificate.h"
#include "libcore/tls/server_context.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto require = [](bool holds,
                          std::source_location where = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "pem.cc:%u does not hold\n", static_cast<unsigned>(where.line()));
    std::abort();
  };
  auto certificate = tls::parse_certificate("fuzz.pem", core::text_of({data, size}));
  require(ERR_peek_error() == 0);
  if (!certificate) {
    const std::string& why = certificate.error().text;
    require(why.starts_with("fuzz.pem: ") && why.find('\n') == std::string::npos);
    return 0;
  }
  require(certificate->leaf && certificate->key);
  require(certificate->intermediates.size() <= tls::kMaxChainLength);
  require(certificate->sha256_fingerprint().size() == 95);
  for (const std::string& name : certificate->dns_names()) require(name.size() <= size);
  const core::WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  for (const std::string& warning : tls::warnings(*certificate, now)) {
    require(warning.starts_with("fuzz.pem: ") && warning.find('\n') == std::string::npos);
  }

  const core::Secret written = tls::to_pem(*certificate);
  const auto again = tls::parse_certificate("again.pem", written.reveal());
  require(again.has_value());
  require(tls::to_pem(*again).reveal() == written.reveal());

  // Not every key is one for TLS: then it says so.
  std::vector<tls::Certificate> certificates;
  certificates.push_back(std::move(*certificate));
  const auto context = tls::ServerContext::make(certificates, {});
  if (!context) require(context.error().text.starts_with("fuzz.pem: can't be used for TLS: "));
  require(ERR_peek_error() == 0);
  return 0;
}
