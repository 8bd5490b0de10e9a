// What a token request and its answer say about a PIN. Whatever can't be read is taken for the
// worse: a request that may carry a PIN carries one, and a denial of such a request that can't be
// understood is a wrong PIN.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rproxyd/http/message.h"

namespace rproxyd {

struct RequestEvidence {
  bool carries_pin = false;
  std::string extension; // the room behind a virtual reception that is asked for; empty: none
};

// `whole`: `body` is all of it. A PIN may stand in the header field `pin`, in the query, or in the
// body, which is a JSON object (RFC 8259); a member that stands twice counts both times.
RequestEvidence look_at_request(const RequestHead& head, std::string_view body, bool whole);

enum class Verdict : std::uint8_t {
  none,     // says nothing of a PIN: another status, or no answer
  admitted, // 2xx: a token was given
  denied, // 403 for another reason: a challenge to a request without a PIN, a reception, a full room
  wrong_pin, // 403: the PIN that was sent was wrong
};

// Of an answer with this status to a request with or without a PIN. `readable`: `body` is all of it,
// and not encoded.
Verdict judge_answer(bool carried_pin, std::uint16_t status, std::string_view body, bool readable);

} // namespace rproxyd
