#include "libcore/stun/integrity.h"

#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <openssl/md5.h>
#include <openssl/mem.h>
#include <openssl/sha.h>
#include <zlib.h>

#include <algorithm>
#include <initializer_list>

namespace stun {
namespace {

constexpr std::uint32_t kFingerprintXor = 0x5354554e; // "STUN"

struct HmacContext {
  HMAC_CTX context{};
  HmacContext() { HMAC_CTX_init(&context); }
  ~HmacContext() { HMAC_CTX_cleanup(&context); }
  HmacContext(const HmacContext&) = delete;
  HmacContext& operator=(const HmacContext&) = delete;
};

template <std::size_t Size>
std::array<std::uint8_t, Size> hmac(const EVP_MD* digest, core::Bytes key,
                                    std::initializer_list<core::Bytes> pieces) {
  HmacContext hmac;
  std::array<std::uint8_t, Size> result{};
  unsigned size = 0;
  // These calls fail only when memory is short; the zeros that are then returned match nothing.
  if (HMAC_Init_ex(&hmac.context, key.data(), key.size(), digest, nullptr) != 1) return result;
  for (const core::Bytes piece : pieces) {
    if (HMAC_Update(&hmac.context, piece.data(), piece.size()) != 1) return {};
  }
  if (HMAC_Final(&hmac.context, result.data(), &size) != 1) return {};
  return result;
}

// The first four bytes of the message, with the length that it has when the attribute whose value
// has `value_bytes` is its last.
std::array<std::uint8_t, 4> start_with_length(core::Bytes before, std::size_t value_bytes) {
  std::array<std::uint8_t, 4> start{before[0], before[1], 0, 0};
  const std::size_t length = before.size() + kAttributeHeaderBytes + value_bytes - kHeaderBytes;
  core::store16(start.data() + 2, static_cast<std::uint16_t>(length));
  return start;
}

template <typename Context, typename Update>
void update_with_credential(Context& context, Update update, std::string_view username,
                            std::string_view realm, std::string_view password) {
  update(&context, username.data(), username.size());
  update(&context, ":", 1);
  update(&context, realm.data(), realm.size());
  update(&context, ":", 1);
  update(&context, password.data(), password.size());
}

} // namespace

Key::Key(core::Bytes bytes) : size_(static_cast<std::uint8_t>(std::min(bytes.size(), kMaxBytes))) {
  std::copy_n(bytes.begin(), size_, bytes_.begin());
}

Key::~Key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Key long_term_key_md5(std::string_view username, std::string_view realm,
                      std::string_view password) {
  MD5_CTX context;
  std::array<std::uint8_t, MD5_DIGEST_LENGTH> digest{};
  MD5_Init(&context);
  update_with_credential(context, MD5_Update, username, realm, password);
  MD5_Final(digest.data(), &context);
  Key key(digest);
  OPENSSL_cleanse(&context, sizeof context);
  OPENSSL_cleanse(digest.data(), digest.size());
  return key;
}

Key long_term_key_sha256(std::string_view username, std::string_view realm,
                         std::string_view password) {
  SHA256_CTX context;
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256_Init(&context);
  update_with_credential(context, SHA256_Update, username, realm, password);
  SHA256_Final(digest.data(), &context);
  Key key(digest);
  OPENSSL_cleanse(&context, sizeof context);
  OPENSSL_cleanse(digest.data(), digest.size());
  return key;
}

Key long_term_key(PasswordAlgorithm algorithm, std::string_view username, std::string_view realm,
                  std::string_view password) {
  return algorithm == PasswordAlgorithm::md5 ? long_term_key_md5(username, realm, password)
                                             : long_term_key_sha256(username, realm, password);
}

Userhash userhash_of(std::string_view username, std::string_view realm) {
  SHA256_CTX context;
  Userhash digest{};
  SHA256_Init(&context);
  SHA256_Update(&context, username.data(), username.size());
  SHA256_Update(&context, ":", 1);
  SHA256_Update(&context, realm.data(), realm.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

HmacSha1 integrity_of(core::Bytes before, core::Bytes key) {
  const auto start = start_with_length(before, sizeof(HmacSha1));
  return hmac<20>(EVP_sha1(), key, {start, before.subspan(4)});
}

HmacSha256 integrity_sha256_of(core::Bytes before, core::Bytes key, std::size_t value_bytes) {
  const auto start = start_with_length(before, value_bytes);
  return hmac<32>(EVP_sha256(), key, {start, before.subspan(4)});
}

std::uint32_t fingerprint_of(core::Bytes before) {
  const auto start = start_with_length(before, 4);
  uLong crc = crc32(0, start.data(), 4);
  crc = crc32(crc, before.data() + 4, static_cast<uInt>(before.size() - 4));
  return static_cast<std::uint32_t>(crc) ^ kFingerprintXor;
}

bool has_valid_integrity(const Message& message, core::Bytes key) {
  const auto at = message.integrity_offset();
  if (!at) return false;
  const auto expected = integrity_of(message.bytes().first(*at), key);
  return core::equal_in_constant_time(
      expected, message.bytes().subspan(*at + kAttributeHeaderBytes, expected.size()));
}

bool has_valid_integrity_sha256(const Message& message, core::Bytes key, std::size_t least_bytes) {
  const auto at = message.integrity_sha256_offset();
  if (!at) return false;
  const std::size_t size = core::load16(message.bytes().data() + *at + 2); // checked by parse()
  if (size < least_bytes) return false;
  const auto expected = integrity_sha256_of(message.bytes().first(*at), key, size);
  return core::equal_in_constant_time(core::Bytes(expected).first(size),
                                      message.bytes().subspan(*at + kAttributeHeaderBytes, size));
}

bool has_valid_integrity(Integrity kind, const Message& message, core::Bytes key) {
  return kind == Integrity::sha1 ? has_valid_integrity(message, key)
                                 : has_valid_integrity_sha256(message, key);
}

bool fingerprint_is_right_or_absent(const Message& message) {
  const auto at = message.fingerprint_offset();
  if (!at) return true;
  return core::load32(message.bytes().data() + *at + kAttributeHeaderBytes) ==
         fingerprint_of(message.bytes().first(*at));
}

HmacSha1 hmac_sha1(core::Bytes key, core::Bytes data) { return hmac<20>(EVP_sha1(), key, {data}); }

HmacSha256 hmac_sha256(core::Bytes key, core::Bytes data) {
  return hmac<32>(EVP_sha256(), key, {data});
}

} // namespace stun
