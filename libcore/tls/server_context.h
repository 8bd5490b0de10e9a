// What all TLS server sessions of one listener share: certificates, versions, ciphers, ALPN.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/tls/certificate.h"

namespace tls {

struct ServerPolicy {
  bool datagrams = false; // DTLS 1.2 instead of TLS: for DatagramSession
  std::uint16_t min_version = TLS1_2_VERSION;
  // In order of preference. A client that offers none of them is served without one, as if it had
  // not asked: what it speaks, perhaps TURN, its first bytes tell.
  std::vector<std::string> alpn;
};

// Immutable once made; shared by the workers' threads. Sessions keep it alive.
class ServerContext {
 public:
  // A client gets the certificate that names its SNI exactly, else by a wildcard, else the first.
  static core::Result<std::shared_ptr<ServerContext>> make(
      const std::vector<Certificate>& certificates, const ServerPolicy& policy);

  SSL_CTX* default_context() const { return entries_.front().context.get(); }

 private:
  struct Entry {
    std::vector<std::string> names;
    bssl::UniquePtr<SSL_CTX> context;
  };
  ServerContext() = default;
  core::Result<bssl::UniquePtr<SSL_CTX>> make_context(const Certificate& certificate,
                                                      const ServerPolicy& policy);
  SSL_CTX* for_name(std::string_view server_name) const;
  static int choose_by_name(SSL* ssl, int* alert, void* self);
  static int choose_protocol(SSL* ssl, const std::uint8_t** out, std::uint8_t* out_size,
                             const std::uint8_t* in, unsigned in_size, void* self);

  std::vector<Entry> entries_;
  std::vector<std::uint8_t> alpn_; // length-prefixed, as on the wire
};

} // namespace tls
