#include "libcore/tls/ticket_keys.h"

#include <openssl/aes.h>
#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <string>
#include <utility>

namespace tls {

TicketKeys::TicketKeys() : current_(make()), previous_(make()), next_(make()) {}

TicketKeys::~TicketKeys() {
  for (Key* key : {&current_, &previous_, &next_}) OPENSSL_cleanse(key, sizeof *key);
}

TicketKeys::Key TicketKeys::make() {
  Key key;
  RAND_bytes(key.name.data(), key.name.size());
  RAND_bytes(key.encryption.data(), key.encryption.size());
  RAND_bytes(key.integrity.data(), key.integrity.size());
  return key;
}

TicketKeys::Period TicketKeys::period_of(core::WallTime now) {
  return now.time_since_epoch() / kRotation;
}

// RFC 5869. The label keeps the key from being one of anything else that is derived from the secret.
TicketKeys::Key TicketKeys::derive(const core::Secret& secret, Period period) {
  const std::string label = "vestibule tls tickets " + std::to_string(period);
  const std::string_view from = secret.reveal();
  std::array<std::uint8_t, sizeof(Key)> bytes{};
  HKDF(bytes.data(), bytes.size(), EVP_sha256(), reinterpret_cast<const std::uint8_t*>(from.data()),
       from.size(), nullptr, 0, reinterpret_cast<const std::uint8_t*>(label.data()), label.size());
  Key key;
  const auto* next = bytes.data();
  const auto take = [&](auto& part) {
    std::copy_n(next, part.size(), part.begin());
    next += part.size();
  };
  take(key.name);
  take(key.encryption);
  take(key.integrity);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

void TicketKeys::share(const core::Secret& secret, core::WallTime now) {
  const std::lock_guard lock(mutex_);
  if (secret.reveal() == secret_.reveal()) return;
  secret_ = secret;
  if (!secret_.empty()) return derive_all(now);
  current_ = make();
  previous_ = make();
  next_ = make();
}

void TicketKeys::derive_all(core::WallTime now) {
  const Period period = period_of(now);
  current_ = derive(secret_, period);
  previous_ = derive(secret_, period - 1);
  next_ = derive(secret_, period + 1);
}

void TicketKeys::turn(core::WallTime now) {
  const std::lock_guard lock(mutex_);
  if (!secret_.empty()) return derive_all(now);
  previous_ = current_;
  current_ = make();
}

core::Duration TicketKeys::lasts(core::WallTime now) const {
  const std::lock_guard lock(mutex_);
  if (secret_.empty()) return kRotation;
  return core::WallTime(kRotation * (period_of(now) + 1)) - now;
}

core::Secret TicketKeys::exported() {
  std::string text;
  text.reserve(kExported); // no copy is left behind
  const std::lock_guard lock(mutex_);
  for (const Key* key : {&current_, &previous_}) {
    text.append(key->name.begin(), key->name.end());
    text.append(key->encryption.begin(), key->encryption.end());
    text.append(key->integrity.begin(), key->integrity.end());
  }
  return core::Secret(std::move(text));
}

bool TicketKeys::adopt(const core::Secret& exported) {
  const std::string_view text = exported.reveal();
  if (text.size() != kExported) return false;
  const auto* next = text.begin();
  const auto take = [&](auto& part) {
    std::copy_n(next, part.size(), part.begin());
    next += part.size();
  };
  const std::lock_guard lock(mutex_);
  for (Key* key : {&current_, &previous_}) {
    take(key->name);
    take(key->encryption);
    take(key->integrity);
  }
  return true;
}

int TicketKeys::index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void TicketKeys::serve(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, index(), this);
  SSL_CTX_set_tlsext_ticket_key_cb(context, &TicketKeys::callback);
  SSL_CTX_set_timeout(context, static_cast<std::uint32_t>(kTicketLifetime.count()));
  SSL_CTX_set_session_psk_dhe_timeout(context, static_cast<std::uint32_t>(kTicketLifetime.count()));
}

// All contexts of a listener have the same keys, so it does not matter which of them asks.
int TicketKeys::callback(SSL* ssl, std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                         HMAC_CTX* hmac, int encrypt) {
  auto* self = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
  if (self == nullptr) return -1;
  return encrypt != 0 ? self->seal(name, iv, cipher, hmac) : self->open(name, iv, cipher, hmac);
}

int TicketKeys::seal(std::uint8_t* name, std::uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac) {
  const std::lock_guard lock(mutex_);
  std::ranges::copy(current_.name, name);
  RAND_bytes(iv, AES_BLOCK_SIZE);
  const bool done =
      EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, current_.encryption.data(), iv) == 1 &&
      HMAC_Init_ex(hmac, current_.integrity.data(), current_.integrity.size(), EVP_sha256(),
                   nullptr) == 1;
  return done ? 1 : -1;
}

int TicketKeys::open(const std::uint8_t* name, const std::uint8_t* iv, EVP_CIPHER_CTX* cipher,
                     HMAC_CTX* hmac) {
  const std::lock_guard lock(mutex_);
  const auto is = [&](const Key& key) {
    return CRYPTO_memcmp(key.name.data(), name, key.name.size()) == 0;
  };
  const bool current = is(current_);
  if (!current && !is(previous_) && !is(next_)) return 0;
  const Key& key = current ? current_ : is(previous_) ? previous_ : next_;
  const bool done =
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.encryption.data(), iv) == 1 &&
      HMAC_Init_ex(hmac, key.integrity.data(), key.integrity.size(), EVP_sha256(), nullptr) == 1;
  if (!done) return -1;
  return current ? 1 : 2; // 2: the client gets a ticket of the current key
}

} // namespace tls
