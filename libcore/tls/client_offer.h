// What of a ClientHello decides which certificate a client is shown.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace tls {

struct ClientOffer {
  std::string server_name; // lower case; empty without SNI
  bool ecdsa = false;      // it takes an ECDSA P-256 certificate
};

// Malformed extensions count as absent: the handshake refuses them afterwards.
ClientOffer client_offer(const SSL_CLIENT_HELLO& hello);

} // namespace tls
