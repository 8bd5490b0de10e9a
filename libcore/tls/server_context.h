// What all TLS server sessions of one listener share: certificates, versions, ciphers, ALPN.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/tls/certificate.h"
#include "libcore/tls/client_offer.h"
#include "libcore/tls/ticket_keys.h"

namespace tls {

// Cipher suites of TLS 1.2; those of TLS 1.3 are BoringSSL's own.
enum class Suites : std::uint8_t {
  modern,     // forward secrecy and authenticated encryption only
  compatible, // CBC and static RSA too, for appliances that have nothing better
};

struct ServerPolicy {
  bool datagrams = false; // DTLS 1.2 instead of TLS: for DatagramSession
  std::uint16_t min_version = TLS1_2_VERSION;
  Suites suites = Suites::modern;
  std::shared_ptr<TicketKeys> tickets{}; // nullptr: each context has keys of its own
  // A client is asked for a certificate of one of these authorities, a PEM file; it may come without
  // one, and a wrong one ends the handshake. Empty: not asked.
  std::string client_ca_file{};
  // In order of preference. A client that offers none of them is served without one, as if it had
  // not asked: what it speaks, perhaps TURN, its first bytes tell.
  std::vector<std::string> alpn;
};

// What people want to know of a certificate in use.
struct CertificateFacts {
  std::string source;             // the file, or "self-signed"
  std::vector<std::string> names; // as dns_names()
  core::WallTime not_after{};
};

// Immutable once made; shared by the workers' threads. Sessions keep it alive.
class ServerContext {
 public:
  // A client gets the certificate that names its SNI exactly, else by a wildcard, else the first. Where
  // several would do it gets an ECDSA one if it takes that, else an RSA one.
  static core::Result<std::shared_ptr<ServerContext>> make(
      const std::vector<Certificate>& certificates, const ServerPolicy& policy);

  const std::vector<CertificateFacts>& certificates() const { return certificates_; }
  SSL_CTX* default_context() const { return entries_.front().context.get(); }

 private:
  struct Entry {
    std::vector<std::string> names;
    bool ecdsa = false;
    bssl::UniquePtr<SSL_CTX> context;
  };
  ServerContext() = default;
  core::Result<bssl::UniquePtr<SSL_CTX>> make_context(const Certificate& certificate,
                                                      const ServerPolicy& policy);
  const Entry* named(const ClientOffer& offer) const;
  SSL_CTX* for_client(const ClientOffer& offer) const;
  static int index();
  static ssl_select_cert_result_t choose_certificate(const SSL_CLIENT_HELLO* hello);
  static int acknowledge_name(SSL* ssl, int* alert, void* self);
  static int choose_protocol(SSL* ssl, const std::uint8_t** out, std::uint8_t* out_size,
                             const std::uint8_t* in, unsigned in_size, void* self);

  std::vector<Entry> entries_;
  std::vector<CertificateFacts> certificates_;
  std::shared_ptr<TicketKeys> tickets_;
  std::vector<std::uint8_t> alpn_; // length-prefixed, as on the wire
};

} // namespace tls
