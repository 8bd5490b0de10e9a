#include "libcore/tls/server_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "libcore/tls/failure.h"

namespace tls {
namespace {

constexpr const char* kModernSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCompatibleSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA";

// In order of preference; the first where the BoringSSL in use has it.
#ifdef SSL_GROUP_X25519_MLKEM768
constexpr const char* kGroups = "X25519MLKEM768:X25519:P-256:P-384";
#else
constexpr const char* kGroups = "X25519:P-256:P-384";
#endif

// RFC 6125 section 6.4.3: a wildcard stands for the whole left-most label only.
bool matches_wildcard(std::string_view pattern, std::string_view name) {
  const auto dot = name.find('.');
  return pattern.starts_with("*.") && dot != std::string_view::npos && dot > 0 &&
         name.substr(dot) == pattern.substr(1);
}

} // namespace

core::Result<std::shared_ptr<ServerContext>> ServerContext::make(
    const std::vector<Certificate>& certificates, const ServerPolicy& policy) {
  std::shared_ptr<ServerContext> self(new ServerContext);
  for (const std::string& protocol : policy.alpn) {
    self->alpn_.push_back(static_cast<std::uint8_t>(protocol.size()));
    self->alpn_.insert(self->alpn_.end(), protocol.begin(), protocol.end());
  }
  self->tickets_ = policy.tickets;
  for (const Certificate& certificate : certificates) {
    self->certificates_.push_back({.source = certificate.source,
                                   .names = certificate.dns_names(),
                                   .not_after = certificate.not_after()});
    auto context = self->make_context(certificate, policy);
    if (!context) return std::unexpected(context.error());
    self->entries_.push_back({.names = certificate.dns_names(),
                              .ecdsa = EVP_PKEY_id(certificate.key.get()) == EVP_PKEY_EC,
                              .context = std::move(*context)});
  }
  if (self->entries_.empty()) return core::failure("a TLS listener needs a certificate");
  return self;
}

core::Result<bssl::UniquePtr<SSL_CTX>> ServerContext::make_context(const Certificate& certificate,
                                                                   const ServerPolicy& policy) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(policy.datagrams ? DTLS_method() : TLS_method()));
  SSL_CTX* raw = context.get();
  const auto failed = [&] {
    return core::failure(
        fmt::format("{}: can't be used for TLS: {}", certificate.source, take_failure()));
  };
  if (raw == nullptr) return failed();
  if (policy.datagrams) {
    SSL_CTX_set_min_proto_version(raw, DTLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(raw, DTLS1_2_VERSION); // cookies are DTLS 1.2's
    SSL_CTX_set_options(raw, SSL_OP_NO_QUERY_MTU);
  } else {
    SSL_CTX_set_min_proto_version(raw, policy.min_version);
  }
  if (!policy.client_ca_file.empty()) {
    const char* file = policy.client_ca_file.c_str();
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (SSL_CTX_load_verify_locations(raw, file, nullptr) != 1) {
      return core::failure(fmt::format("{}: holds no authorities that can be used: {}",
                                       policy.client_ca_file, take_failure()));
    }
    SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(file));
  }
  const char* suites = policy.suites == Suites::modern ? kModernSuites : kCompatibleSuites;
  if (SSL_CTX_set_strict_cipher_list(raw, suites) != 1) return failed();
  if (SSL_CTX_set1_curves_list(raw, kGroups) != 1) return failed();
  if (SSL_CTX_use_certificate(raw, certificate.leaf.get()) != 1 ||
      SSL_CTX_use_PrivateKey(raw, certificate.key.get()) != 1) {
    return failed();
  }
  for (const auto& intermediate : certificate.intermediates) {
    if (SSL_CTX_add1_chain_cert(raw, intermediate.get()) != 1) return failed();
  }
  SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(
      raw, SSL_SESS_CACHE_OFF); // tickets only: no table that a client can fill
  SSL_CTX_set_early_data_enabled(raw, 0);
  // Sessions of one certificate are not resumed under another's context (CVE-2025-23419).
  const std::string id = certificate.sha256_fingerprint().substr(0, SSL_MAX_SID_CTX_LENGTH);
  SSL_CTX_set_session_id_context(raw, reinterpret_cast<const std::uint8_t*>(id.data()), id.size());
  if (policy.tickets) policy.tickets->serve(raw);
  if (!certificate.ocsp_response.empty() &&
      SSL_CTX_set_ocsp_response(raw, certificate.ocsp_response.data(),
                                certificate.ocsp_response.size()) != 1) {
    return failed();
  }
  SSL_CTX_set_ex_data(raw, index(), this);
  SSL_CTX_set_select_certificate_cb(raw, &ServerContext::choose_certificate);
  SSL_CTX_set_tlsext_servername_callback(raw, &ServerContext::acknowledge_name);
  SSL_CTX_set_tlsext_servername_arg(raw, this);
  SSL_CTX_set_alpn_select_cb(raw, &ServerContext::choose_protocol, this);
  return context;
}

// The best of those that name the client's server; nullptr when none does.
const ServerContext::Entry* ServerContext::named(const ClientOffer& offer) const {
  // An exact name before a wildcard, then a key that suits the client, then the order of the list.
  const Entry* best = nullptr;
  int best_rank = 0;
  for (const Entry& entry : entries_) {
    int match = 0;
    for (const std::string& pattern : entry.names) {
      if (pattern == offer.server_name) {
        match = 2;
      } else if (matches_wildcard(pattern, offer.server_name)) {
        match = std::max(match, 1);
      }
    }
    if (match == 0) continue;
    const int rank = 2 * match + (entry.ecdsa == offer.ecdsa ? 1 : 0);
    if (rank > best_rank) {
      best = &entry;
      best_rank = rank;
    }
  }
  return best;
}

SSL_CTX* ServerContext::for_client(const ClientOffer& offer) const {
  if (const Entry* entry = named(offer)) return entry->context.get();
  // The first one; or, of the same names, one that the client can check.
  const Entry& first = entries_.front();
  for (const Entry& entry : entries_) {
    if (entry.names == first.names && entry.ecdsa == offer.ecdsa) return entry.context.get();
  }
  return first.context.get();
}

int ServerContext::index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

ssl_select_cert_result_t ServerContext::choose_certificate(const SSL_CLIENT_HELLO* hello) {
  const auto* self =
      static_cast<const ServerContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(hello->ssl), index()));
  SSL_set_SSL_CTX(hello->ssl, self->for_client(client_offer(*hello)));
  return ssl_select_cert_success;
}

int ServerContext::acknowledge_name(SSL* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  ClientOffer offer;
  offer.server_name = name;
  std::ranges::transform(offer.server_name, offer.server_name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return static_cast<const ServerContext*>(self)->named(offer) == nullptr ? SSL_TLSEXT_ERR_NOACK
                                                                          : SSL_TLSEXT_ERR_OK;
}

int ServerContext::choose_protocol(SSL*, const std::uint8_t** out, std::uint8_t* out_size,
                                   const std::uint8_t* in, unsigned in_size, void* self) {
  const auto& ours = static_cast<const ServerContext*>(self)->alpn_;
  std::uint8_t* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours.data(), static_cast<unsigned>(ours.size()), in,
                            in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

} // namespace tls
