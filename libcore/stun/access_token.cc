#include "libcore/stun/access_token.h"

#include <openssl/aead.h>
#include <openssl/mem.h>

#include <array>

namespace stun {
namespace {

constexpr std::size_t kNonceBytes = 12; // of both algorithms
// Two of the longest keys, and more than anybody writes.
constexpr std::size_t kMaxBlockBytes = 128;
constexpr std::int64_t kMaxSeconds = std::int64_t{1} << 40; // no clock shows it, no sum wraps

std::optional<AccessToken> parse_block(core::Bytes block) {
  core::ByteReader reader(block);
  const auto size = reader.u16();
  if (!size || *size == 0 || *size > Key::kMaxBytes) return std::nullopt;
  const auto key = reader.take(*size);
  const auto timestamp = reader.u64();
  const auto lifetime = reader.u32();
  if (!key || !timestamp || !lifetime || !reader.empty()) return std::nullopt;
  const auto seconds = static_cast<std::int64_t>(*timestamp >> 16);
  if (seconds > kMaxSeconds) return std::nullopt;
  return AccessToken{.mac_key = Key(*key),
                     .made = core::WallTime(std::chrono::seconds(seconds)),
                     .lifetime = std::chrono::seconds(*lifetime)};
}

} // namespace

std::optional<AccessToken> open_access_token(core::Bytes value, TokenAlgorithm algorithm,
                                             core::Bytes key, std::string_view server_name) {
  core::ByteReader reader(value);
  const auto nonce_size = reader.u16();
  if (!nonce_size || *nonce_size != kNonceBytes) return std::nullopt;
  const auto nonce = reader.take(*nonce_size);
  const core::Bytes sealed = reader.rest();
  if (!nonce || sealed.size() > kMaxBlockBytes) return std::nullopt;

  const EVP_AEAD* aead =
      algorithm == TokenAlgorithm::a128gcm ? EVP_aead_aes_128_gcm() : EVP_aead_aes_256_gcm();
  if (key.size() != EVP_AEAD_key_length(aead)) return std::nullopt;
  bssl::ScopedEVP_AEAD_CTX context;
  std::array<std::uint8_t, kMaxBlockBytes> block{};
  std::size_t size = 0;
  const core::Bytes name = core::bytes_of(server_name);
  const bool opened =
      EVP_AEAD_CTX_init(context.get(), aead, key.data(), key.size(), EVP_AEAD_DEFAULT_TAG_LENGTH,
                        nullptr) == 1 &&
      EVP_AEAD_CTX_open(context.get(), block.data(), &size, block.size(), nonce->data(),
                        nonce->size(), sealed.data(), sealed.size(), name.data(), name.size()) == 1;
  auto token = opened ? parse_block(core::Bytes(block).first(size)) : std::nullopt;
  OPENSSL_cleanse(block.data(), block.size());
  return token;
}

} // namespace stun
