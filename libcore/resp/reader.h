// Answers of a Redis server out of bytes as they come, over hiredis' reader.
//
//   feed() -> next() until it has none; a failure is final: what comes after it has no meaning.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "libcore/base/bytes.h"
#include "libcore/resp/value.h"

struct redisReader; // NOLINT(readability-identifier-naming): hiredis names it

namespace resp {

class Reader {
 public:
  // Of an answer that is not whole yet. Longer ones break no rule of the protocol, but none of ours is.
  static constexpr std::size_t kMaxWaiting = std::size_t{64} * 1024 * 1024;

  Reader();
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // False: more than kMaxWaiting would wait.
  bool feed(core::Bytes bytes);
  // nullopt: not whole yet. The error says what breaks the protocol.
  std::expected<std::optional<Value>, std::string> next();

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
};

} // namespace resp
