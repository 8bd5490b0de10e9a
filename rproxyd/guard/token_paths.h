// Which requests ask a node for a token, and so may carry a PIN; and for which room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rproxyd {

class TokenPaths {
 public:
  // What stands for the room's alias in a pattern.
  static constexpr char kRoom = '*';
  // Bytes of an alias that tell rooms apart; the platform's own aliases are shorter.
  static constexpr std::size_t kMaxRoomBytes = 256;

  // A pattern starts with '/' and has one '*', a segment of its own that is not the last:
  // "/api/client/v2/conferences/*/request_token".
  explicit TokenPaths(const std::vector<std::string>& patterns);

  // The room that `target` asks a token of, in the form that all spellings of its alias share.
  // Matched on the normalised path (proxy rule 8), whatever the letters' case, wherever a route may
  // have put it below a prefix. nullopt: it is no such request.
  std::optional<std::string> room_of(std::string_view target) const;

 private:
  struct Pattern {
    std::string before, after; // in lower case
  };
  std::vector<Pattern> patterns_;
};

// An alias as the guard counts it: ASCII letters in lower case, cut to kMaxRoomBytes.
std::string room_key(std::string_view alias);

} // namespace rproxyd
