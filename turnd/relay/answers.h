// Writes answers to requests, one at a time, into a buffer of its own.
#pragma once

#include <array>
#include <cstdint>

#include "libcore/base/bytes.h"
#include "libcore/stun/builder.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "turnd/relay/counters.h"
#include "turnd/relay/decision.h"

namespace turnd {

// What an answer takes over from its request.
struct AnswerTo {
  const FiveTuple* five_tuple; // borrowed for as long as the answer
  ClientTag client;
  stun::Method method;
  stun::TransactionId transaction;
  bool fingerprint;  // the request had one
  core::Bytes key{}; // of an authenticated request: the answer is signed; else empty
  stun::Integrity integrity = stun::Integrity::sha1; // the request's, and so the answer's
};

class Answers {
 public:
  // The longest answer has two relayed IPv6 addresses or a realm of the longest kind.
  static constexpr std::size_t kMaxBytes = 2048;

  // fill(stun::MessageBuilder&) adds the attributes. The decision borrows the buffer until the next
  // answer is written.
  template <typename Fill>
  Decision success(const AnswerTo& to, Fill&& fill) {
    stun::MessageBuilder builder(room_, to.method, stun::Class::success, to.transaction);
    fill(builder);
    return finish(builder, to);
  }

  template <typename Fill>
  Decision error(const AnswerTo& to, stun::ErrorCode code, Fill&& fill) {
    refusals_.count(to.method, code);
    stun::MessageBuilder builder(room_, to.method, stun::Class::error, to.transaction);
    builder.add_error(code, to.key.empty() ? std::string_view{} : reason(code));
    fill(builder);
    return finish(builder, to);
  }
  Decision error(const AnswerTo& to, stun::ErrorCode code) {
    return error(to, code, [](stun::MessageBuilder&) {});
  }

  template <typename Fill>
  Decision indication(const AnswerTo& to, Fill&& fill) {
    stun::MessageBuilder builder(room_, to.method, stun::Class::indication, to.transaction);
    fill(builder);
    return finish(builder, to);
  }

  const Refusals& refusals() const { return refusals_; }

  // For people who read traces. Answers to the unauthenticated do without: they are to be small.
  static std::string_view reason(stun::ErrorCode code);

 private:
  Decision finish(stun::MessageBuilder& builder, const AnswerTo& to);

  Refusals refusals_;
  std::array<std::uint8_t, kMaxBytes> room_{};
};

} // namespace turnd
