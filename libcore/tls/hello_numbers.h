// What a DTLS session must take over from the hello that its client has proven itself with (RFC 6347
// section 4.2.1): the cookie exchange before it had numbers of its own. BoringSSL has no call for
// that, so this reaches into its own structures: see docs/decisions/0007-dtls-on-boringssl.md.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

namespace tls {

// Whether this build could be made with BoringSSL's private headers: without them no DTLS is served.
bool dtls_is_served();

// On a fresh server's SSL, before its handshake. False where dtls_is_served() is.
bool take_over_numbers(SSL* ssl, std::uint64_t record_sequence, std::uint16_t message_sequence);

} // namespace tls
