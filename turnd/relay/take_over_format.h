// A TakeOverState as bytes. They hold keys: they go over the admin socket alone, and are wiped.
//
//   magic(4) | version(2) | nonce key | ticket key | links | servers
//
// A list is a count(4) and so many records; a record is a length(4) and its fields one after the other.
// A later version may put further fields at a record's end: who doesn't know them passes them over. The
// version changes when that isn't enough.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "libcore/base/bytes.h"
#include "turnd/relay/take_over.h"

namespace turnd {

inline constexpr std::uint16_t kTakeOverVersion = 1;
// More than a process can have sockets for.
inline constexpr std::size_t kMaxTakeOverBytes = std::size_t{256} << 20;

// Wiped when gone.
class TakeOverBytes {
 public:
  explicit TakeOverBytes(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
  TakeOverBytes(TakeOverBytes&&) = default;
  TakeOverBytes& operator=(TakeOverBytes&&) = delete;
  TakeOverBytes(const TakeOverBytes&) = delete;
  TakeOverBytes& operator=(const TakeOverBytes&) = delete;
  ~TakeOverBytes();

  core::Bytes bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

TakeOverBytes encode(const TakeOverState& state);

enum class TakeOverFault : std::uint8_t {
  version,      // of a turnd that says it another way
  malformed,    // not what encode() writes
  inconsistent, // names a link that isn't there, or two of something that there can be one of
};
std::string_view text_of(TakeOverFault fault);

// All of it or nothing.
std::expected<TakeOverState, TakeOverFault> decode(core::Bytes bytes);

} // namespace turnd
