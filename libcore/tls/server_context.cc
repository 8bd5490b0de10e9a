#include "libcore/tls/server_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "libcore/tls/failure.h"

namespace tls {
namespace {

// TLS 1.2: forward secrecy and AEAD only; TLS 1.3 suites are BoringSSL's own.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

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
  for (const Certificate& certificate : certificates) {
    auto context = self->make_context(certificate, policy);
    if (!context) return std::unexpected(context.error());
    self->entries_.push_back({certificate.dns_names(), std::move(*context)});
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
  if (SSL_CTX_set_strict_cipher_list(raw, kTls12Ciphers) != 1) return failed();
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
  SSL_CTX_set_tlsext_servername_callback(raw, &ServerContext::choose_by_name);
  SSL_CTX_set_tlsext_servername_arg(raw, this);
  SSL_CTX_set_alpn_select_cb(raw, &ServerContext::choose_protocol, this);
  return context;
}

SSL_CTX* ServerContext::for_name(std::string_view server_name) const {
  std::string name(server_name);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const Entry* by_wildcard = nullptr;
  for (const Entry& entry : entries_) {
    for (const std::string& pattern : entry.names) {
      if (pattern == name) return entry.context.get();
      if (by_wildcard == nullptr && matches_wildcard(pattern, name)) by_wildcard = &entry;
    }
  }
  return by_wildcard == nullptr ? nullptr : by_wildcard->context.get();
}

int ServerContext::choose_by_name(SSL* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* context = static_cast<const ServerContext*>(self)->for_name(name);
  if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
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
