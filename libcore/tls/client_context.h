// What all TLS client sessions towards one pool share: whether and by what the server is verified,
// and the last session ticket per server and name, for resumption. One a worker: not thread-safe. The
// SSLs that it made may outlive it.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libcore/base/error.h"

namespace tls {

struct ClientPolicy {
  bool verify = false;
  std::string ca_file; // empty: the system's
};

class ClientContext {
 public:
  static constexpr std::size_t kMaxRememberedSessions =
      1024; // servers beyond it start anew each time

  static core::Result<std::unique_ptr<ClientContext>> make(const ClientPolicy& policy);

  // A new SSL for a connection to `server` (a key of ours for resumption, such as "10.0.0.1:443").
  // `server_name`: sent as SNI unless it is an IP address, and verified when the policy says so.
  // `alpn`: offered, the preferred one first; none: without ALPN.
  bssl::UniquePtr<SSL> connect(const std::string& server, const std::string& server_name,
                               std::span<const std::string_view> alpn = {});

 private:
  using Sessions = std::unordered_map<std::string, bssl::UniquePtr<SSL_SESSION>>;
  struct Owner;
  ClientContext() = default;
  static int owner_index();
  static int remember(SSL* ssl, SSL_SESSION* session);

  ClientPolicy policy_;
  bssl::UniquePtr<SSL_CTX> context_;
  std::shared_ptr<Sessions> sessions_ = std::make_shared<Sessions>();
};

} // namespace tls
