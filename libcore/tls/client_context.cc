#include "libcore/tls/client_context.h"

#include <fmt/format.h>

#include <memory>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "libcore/tls/failure.h"

namespace tls {

// What an SSL of ours knows of itself: where its session is kept, under which key.
struct ClientContext::Owner {
  std::shared_ptr<Sessions> sessions;
  std::string key;
};

int ClientContext::owner_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* data, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Owner*>(data);
      });
  return index;
}

core::Result<std::unique_ptr<ClientContext>> ClientContext::make(const ClientPolicy& policy) {
  std::unique_ptr<ClientContext> self(new ClientContext);
  self->policy_ = policy;
  self->context_.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* raw = self->context_.get();
  if (raw == nullptr)
    return core::failure(fmt::format("can't make a TLS client: {}", take_failure()));
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, &ClientContext::remember);
  if (!policy.verify) return self;

  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  const int loaded = policy.ca_file.empty()
                         ? SSL_CTX_set_default_verify_paths(raw)
                         : SSL_CTX_load_verify_locations(raw, policy.ca_file.c_str(), nullptr);
  if (loaded != 1) {
    const std::string source =
        policy.ca_file.empty() ? "the system's certificate authorities" : policy.ca_file;
    return core::failure(fmt::format("{}: can't be loaded: {}", source, take_failure()));
  }
  return self;
}

bssl::UniquePtr<SSL> ClientContext::connect(const std::string& server,
                                            const std::string& server_name,
                                            std::span<const std::string_view> alpn) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context_.get()));
  if (!ssl) return ssl;
  SSL_set_connect_state(ssl.get());
  std::string offered; // RFC 7301 section 3.1: each with its length before it
  for (const std::string_view name : alpn) {
    offered += static_cast<char>(name.size());
    offered += name;
  }
  const core::Bytes list = core::bytes_of(offered);
  if (!list.empty() && SSL_set_alpn_protos(ssl.get(), list.data(), list.size()) != 0)
    return nullptr;
  const bool is_address = core::IpAddress::parse(server_name).has_value();
  if (!is_address && !server_name.empty()) SSL_set_tlsext_host_name(ssl.get(), server_name.c_str());
  if (policy_.verify) {
    X509_VERIFY_PARAM* expected = SSL_get0_param(ssl.get());
    if (is_address) {
      X509_VERIFY_PARAM_set1_ip_asc(expected, server_name.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(expected, server_name.data(), server_name.size());
    }
  }
  // A resumed session is not verified again: it counts for the name that it was verified for.
  std::string key = server + '\n' + server_name;
  if (const auto known = sessions_->find(key); known != sessions_->end()) {
    SSL_set_session(ssl.get(), known->second.get());
  }
  SSL_set_ex_data(ssl.get(), owner_index(), new Owner{sessions_, std::move(key)});
  return ssl;
}

int ClientContext::remember(SSL* ssl, SSL_SESSION* session) {
  const auto* owner = static_cast<const Owner*>(SSL_get_ex_data(ssl, owner_index()));
  Sessions& sessions = *owner->sessions;
  if (sessions.size() >= kMaxRememberedSessions && !sessions.contains(owner->key)) return 0;
  sessions[owner->key].reset(session);
  return 1; // the reference is ours
}

} // namespace tls
