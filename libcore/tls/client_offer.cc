#include "libcore/tls/client_offer.h"

#include <openssl/bytestring.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace tls {
namespace {

std::optional<CBS> extension(const SSL_CLIENT_HELLO& hello, std::uint16_t type) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (SSL_early_callback_ctx_extension_get(&hello, type, &data, &size) != 1) return std::nullopt;
  CBS contents;
  CBS_init(&contents, data, size);
  return contents;
}

// RFC 6066 section 3: a list of names, of which there is one, of type host_name (0).
std::string server_name(const SSL_CLIENT_HELLO& hello) {
  auto contents = extension(hello, TLSEXT_TYPE_server_name);
  CBS list;
  CBS name;
  std::uint8_t type = 0;
  if (!contents || CBS_get_u16_length_prefixed(&*contents, &list) != 1 ||
      CBS_get_u8(&list, &type) != 1 || type != TLSEXT_NAMETYPE_host_name ||
      CBS_get_u16_length_prefixed(&list, &name) != 1) {
    return {};
  }
  std::string text(reinterpret_cast<const char*>(CBS_data(&name)), CBS_len(&name));
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// RFC 8446 section 4.2.3.
bool signs_with_p256(const SSL_CLIENT_HELLO& hello) {
  auto contents = extension(hello, TLSEXT_TYPE_signature_algorithms);
  CBS list;
  if (!contents || CBS_get_u16_length_prefixed(&*contents, &list) != 1) return false;
  std::uint16_t algorithm = 0;
  while (CBS_get_u16(&list, &algorithm) == 1) {
    if (algorithm == SSL_SIGN_ECDSA_SECP256R1_SHA256) return true;
  }
  return false;
}

// TLS 1.3 suites leave the certificate open; of the older ones those count that this server has.
bool has_suite_for_ecdsa(const SSL_CLIENT_HELLO& hello) {
  CBS suites;
  CBS_init(&suites, hello.cipher_suites, hello.cipher_suites_len);
  std::uint16_t value = 0;
  while (CBS_get_u16(&suites, &value) == 1) {
    if (value >> 8 == 0x13) return true;
    const SSL_CIPHER* cipher = SSL_get_cipher_by_value(value);
    if (cipher != nullptr && SSL_CIPHER_get_auth_nid(cipher) == NID_auth_ecdsa) return true;
  }
  return false;
}

} // namespace

ClientOffer client_offer(const SSL_CLIENT_HELLO& hello) {
  return {.server_name = server_name(hello),
          .ecdsa = signs_with_p256(hello) && has_suite_for_ecdsa(hello)};
}

} // namespace tls
