#include "libcore/tls/hello_numbers.h"

#ifdef VESTIBULE_BORINGSSL_PRIVATE

#include <ssl/internal.h>

namespace tls {
namespace {

// A template, so that the names of one version of BoringSSL are no errors with another.
template <typename Ssl>
void set_numbers(Ssl& ssl, std::uint64_t record_sequence, std::uint16_t message_sequence) {
  ssl.d1->handshake_read_seq = message_sequence;  // the hello itself is the first message
  ssl.d1->handshake_write_seq = message_sequence; // of ServerHello, behind our HelloVerifyRequest
  if constexpr (requires { ssl.d1->write_epoch.next_record; }) {
    using Number = decltype(ssl.d1->write_epoch.next_record);
    ssl.d1->write_epoch.next_record = Number(0, record_sequence);
  } else {
    ssl.s3->write_sequence = record_sequence;
  }
}

} // namespace

bool dtls_is_served() { return true; }

bool take_over_numbers(SSL* ssl, std::uint64_t record_sequence, std::uint16_t message_sequence) {
  set_numbers(*ssl, record_sequence, message_sequence);
  return true;
}

} // namespace tls

#else

namespace tls {

bool dtls_is_served() { return false; }
bool take_over_numbers(SSL*, std::uint64_t, std::uint16_t) { return false; }

} // namespace tls

#endif
