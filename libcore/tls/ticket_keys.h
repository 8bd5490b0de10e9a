// The keys that session tickets are sealed with. All contexts and workers of a process share one set,
// so that a client resumes at whichever it comes to, and a reload of certificates leaves sessions
// resumable. Processes of several machines share one when each derives it from the same secret and the
// time: a new key every kRotation, at the same moment at all of them. A context's sessions are still nobody else's: each has its session id context.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <mutex>

#include "libcore/base/secret.h"
#include "libcore/base/time.h"

namespace tls {

class TicketKeys {
 public:
  // What is sealed with a key can be opened with it by whoever gets hold of it: it lives no longer than
  // two of these. Tickets end earlier than that.
  static constexpr std::chrono::hours kRotation{8};
  static constexpr std::chrono::seconds kTicketLifetime = kRotation;

  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // From now on the keys are derived from the secret and the time, which turn() is told; empty: they are
  // drawn by lot again. The same secret as before changes nothing. From any thread, as all that follow.
  void share(const core::Secret& secret, core::WallTime now);
  // A new key for new tickets, where it is time; those of the key before are opened until the next one.
  void turn(core::WallTime now);
  core::Duration lasts(core::WallTime now) const; // until turn() is to be called

  // For a process that takes over from this one, so that its clients' sessions can be resumed there.
  static constexpr std::size_t kExported = std::size_t{2} * (SSL_TICKET_KEY_NAME_LEN + 32 + 32);
  core::Secret exported();
  // False: these are no keys.
  bool adopt(const core::Secret& exported);

  // Makes the context seal and open its tickets with these; they must outlive it.
  void serve(SSL_CTX* context);

 private:
  struct Key {
    std::array<std::uint8_t, SSL_TICKET_KEY_NAME_LEN> name{};
    std::array<std::uint8_t, 32> encryption{}; // AES-256-CBC
    std::array<std::uint8_t, 32> integrity{};  // HMAC-SHA256
  };
  using Period = std::int64_t; // number of kRotation since 1970
  static Period period_of(core::WallTime now);
  static Key make();
  static Key derive(const core::Secret& secret, Period period);
  void derive_all(core::WallTime now); // with the lock held
  static int index();
  static int callback(SSL* ssl, std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                      HMAC_CTX* hmac, int encrypt);
  int seal(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac);
  int open(const std::uint8_t* name, const std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
           HMAC_CTX* hmac);

  mutable std::mutex mutex_; // taken for a handshake, never for a record
  core::Secret secret_;      // empty: the keys are our own
  Key current_;
  Key previous_;
  Key next_; // shared ones: of those whose clocks are ahead
};

} // namespace tls
