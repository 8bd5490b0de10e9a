#include "libcore/tls/peer.h"

#include <openssl/x509v3.h>

#include <utility>

#include "libcore/base/address.h"
#include "libcore/tls/certificate.h"
#include "libcore/tls/failure.h"

namespace tls {
namespace {

bool names(X509* leaf, const std::string& name) {
  if (core::IpAddress::parse(name)) return X509_check_ip_asc(leaf, name.c_str(), 0) == 1;
  return X509_check_host(leaf, name.data(), name.size(), 0, nullptr) == 1;
}

std::string why_untrusted(X509_STORE* store, X509* leaf, STACK_OF(X509) * chain) {
  const bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store, leaf, chain) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_server") != 1) {
    return take_failure();
  }
  if (X509_verify_cert(context.get()) == 1) return {};
  const std::string why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  ERR_clear_error();
  return why;
}

} // namespace

core::Result<PeerJudgement> judge_peer(const SSL* ssl, const std::string& name,
                                       const ClientPolicy& authorities, core::WallTime now) {
  STACK_OF(X509)* chain = SSL_get_peer_full_cert_chain(ssl);
  if (chain == nullptr || sk_X509_num(chain) == 0)
    return core::failure("the server showed no certificate");
  const bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  const int loaded =
      authorities.ca_file.empty()
          ? X509_STORE_set_default_paths(store.get())
          : X509_STORE_load_locations(store.get(), authorities.ca_file.c_str(), nullptr);
  if (loaded != 1)
    return core::failure("the certificate authorities can't be loaded: " + take_failure());

  Certificate shown{
      .source = name, .leaf = {}, .intermediates = {}, .key = {}, .ocsp_response = {}};
  for (std::size_t i = 0; i < sk_X509_num(chain); ++i) {
    auto one = bssl::UpRef(sk_X509_value(chain, i));
    if (i == 0) {
      shown.leaf = std::move(one);
    } else {
      shown.intermediates.push_back(std::move(one));
    }
  }
  PeerJudgement judgement{.names = shown.dns_names(),
                          .not_after = shown.not_after(),
                          .name_matches = names(shown.leaf.get(), name),
                          .untrusted = why_untrusted(store.get(), shown.leaf.get(), chain),
                          .warnings = tls::warnings(shown, now)};
  ERR_clear_error();
  return judgement;
}

} // namespace tls
