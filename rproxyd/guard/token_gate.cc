#include "rproxyd/guard/token_gate.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "rproxyd/guard/token_evidence.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::uint16_t kForbidden = 403;

void wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
  std::string().swap(text);
}

void append_up_to(std::string& out, core::Bytes bytes, std::size_t most) {
  out += core::text_of(bytes.first(std::min(bytes.size(), most - out.size())));
}

} // namespace

TokenGate::TokenGate(TokenDesk& desk, const core::IpAddress& client, std::string room,
                     RequestHead& request, TokenDesk::Wake wake)
    : desk_(desk),
      request_(request),
      attempt_{.client = client, .room = std::move(room)},
      wake_(std::move(wake)) {
  request.fields.remove("accept-encoding");
  request.fields.add("accept-encoding", "identity");
}

TokenGate::~TokenGate() { wipe(body_); }

void TokenGate::request_body(core::Bytes bytes) {
  if (looked_at_) return;
  // At once as large as it can get: a PIN is not left behind in memory that was outgrown.
  if (body_.empty()) body_.reserve(kMaxLookedAt);
  append_up_to(body_, bytes, kMaxLookedAt);
}

Admission TokenGate::ask(const core::Now& now) {
  if (!looked_at_) look_at_request();
  if (!asked_) asked_ = now.steady;
  Admission admission =
      claim_.empty() ? desk_.admit(attempt_, wake_, now) : desk_.decide(claim_, now);
  claim_ = std::exchange(admission.claim, {});
  switch (admission.kind) {
    case Admission::Kind::asked:
      break;
    case Admission::Kind::pass:
      open_ = true;
      ticket_ = std::exchange(admission.ticket, std::nullopt);
      break;
    case Admission::Kind::wait:
      admission.delay = std::max(admission.delay, pause_);
      pause_ = std::min(pause_ * 2, kLongestPause);
      if (now.steady + admission.delay > *asked_ + kMaxWait) {
        admission.kind = Admission::Kind::refuse;
        admission.delay = std::max<core::Duration>(admission.delay, std::chrono::seconds(1));
      }
      break;
    case Admission::Kind::refuse:
      break;
  }
  return admission;
}

void TokenGate::look_at_request() {
  looked_at_ = true;
  // A body that has reached the limit may go on behind it.
  auto found = rproxyd::look_at_request(request_, body_, whole_ && body_.size() < kMaxLookedAt);
  attempt_.carries_pin = found.carries_pin;
  attempt_.extension = std::move(found.extension);
  wipe(body_);
}

void TokenGate::answer_head(const ResponseHead& head, const core::Now& now) {
  status_ = head.status; // of the last node that was tried
  answer_.clear();
  const auto encoding = head.fields.find("content-encoding");
  encoded_ = encoding && !equal_ignoring_case(*encoding, "identity");
  // Anything but a denied PIN is clear from the status; a 5xx may lead to another node.
  if ((status_ >= 200 && status_ < 300) || (status_ == kForbidden && !attempt_.carries_pin))
    judge(true, now);
}

void TokenGate::answer_body(core::Bytes bytes, const core::Now& now) {
  if (!ticket_ || status_ != kForbidden) return;
  const bool fits = bytes.size() <= kMaxLookedAt - answer_.size();
  append_up_to(answer_, bytes, kMaxLookedAt);
  if (!fits) judge(false, now);
}

void TokenGate::answer_end(const core::Now& now) {
  if (status_ == kForbidden) judge(true, now);
}

void TokenGate::closed(bool client_broke_off, const core::Now& now) {
  if (!claim_.empty()) desk_.abandon(std::exchange(claim_, {}), now);
  if (status_ == kForbidden) return judge(false, now);
  // The node may have counted a guess whose answer nobody waited for.
  const bool guessed = client_broke_off && reached_node_ && status_ == 0 && attempt_.carries_pin;
  settle(guessed ? Outcome::wrong_pin : Outcome::none, now);
}

void TokenGate::judge(bool whole, const core::Now& now) {
  if (!ticket_) return;
  switch (judge_answer(attempt_.carries_pin, status_, answer_, whole && !encoded_)) {
    case Verdict::none:
      return settle(Outcome::none, now);
    case Verdict::admitted:
      return settle(Outcome::admitted, now);
    case Verdict::denied:
      return settle(Outcome::denied, now);
    case Verdict::wrong_pin:
      return settle(Outcome::wrong_pin, now);
  }
}

void TokenGate::settle(Outcome outcome, const core::Now& now) {
  if (!ticket_) return;
  desk_.settle(*ticket_, outcome, now);
  ticket_.reset();
  std::string().swap(answer_);
}

} // namespace rproxyd
