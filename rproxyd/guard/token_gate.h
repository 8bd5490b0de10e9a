// One token request on its way past the guard: reads it, asks, and tells from the node's answer what
// became of it. Pure; the shell holds the request back until the gate is open.
//
//   request_body()* request_end()? -> ready() -> ask() -> pass | wait or asked, and ask() again | refuse
//   pass -> (forwarded) reached_node() -> answer_head() answer_body()* answer_end()
//   closed() at the end, whatever happened before.
//
// Of the request and of the answer no more than kMaxLookedAt bytes are kept, and only until they
// have been looked at: a PIN is wiped.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "libcore/base/bytes.h"
#include "rproxyd/guard/pin_guard.h"
#include "rproxyd/http/message.h"

namespace rproxyd {

// The guard as one worker reaches it. It may have to ask siblings: then the admission is `asked`, with
// a claim; decide() has the answer once `wake` has been called, by any thread, or the delay is over. Who
// does not wait for it any more abandons it.
class TokenDesk {
 public:
  using Wake = std::function<void()>;
  virtual Admission admit(const PinAttempt& attempt, const Wake& wake, const core::Now& now) = 0;
  virtual Admission decide(const std::string& claim, const core::Now& now) = 0;
  virtual void abandon(const std::string& claim, const core::Now& now) = 0;
  virtual void settle(const Ticket& ticket, Outcome outcome, const core::Now& now) = 0;

 protected:
  ~TokenDesk() = default;
};

class TokenGate {
 public:
  static constexpr std::size_t kMaxLookedAt = std::size_t{16} * 1024;
  // How long a request is held back at most, in all; then it is refused.
  static constexpr core::Duration kMaxWait = std::chrono::seconds(5);
  // Each time it asks again it waits for twice as long, up to this: ten thousand that wait at once
  // take turns at the desk.
  static constexpr core::Duration kLongestPause = std::chrono::milliseconds(640);

  // Borrows both until closed(). The node is asked for an answer that can be read: `request` gets an
  // Accept-Encoding of its own.
  // `wake`: see TokenDesk; ask() is to be called again then.
  TokenGate(TokenDesk& desk, const core::IpAddress& client, std::string room, RequestHead& request,
            TokenDesk::Wake wake = nullptr);
  TokenGate(const TokenGate&) = delete;
  TokenGate& operator=(const TokenGate&) = delete;
  ~TokenGate();

  void request_body(core::Bytes bytes);
  void request_end() { whole_ = true; }
  bool ready() const { return whole_ || body_.size() >= kMaxLookedAt; }
  Admission ask(const core::Now& now); // only while ready()
  bool open() const { return open_; }

  void reached_node() { reached_node_ = true; }
  void answer_head(const ResponseHead& head, const core::Now& now);
  void answer_body(core::Bytes bytes, const core::Now& now);
  void answer_end(const core::Now& now);
  void closed(bool client_broke_off, const core::Now& now);

 private:
  void look_at_request();
  void judge(bool whole, const core::Now& now);
  void settle(Outcome outcome, const core::Now& now);

  TokenDesk& desk_;
  const RequestHead& request_;
  PinAttempt attempt_;
  std::string body_; // the request's
  bool whole_ = false;
  bool looked_at_ = false;
  const TokenDesk::Wake wake_;
  std::string claim_;                    // siblings are asked
  std::optional<core::TimePoint> asked_; // first
  core::Duration pause_ = PinGuard::kAskAgain;
  bool open_ = false;
  std::optional<Ticket> ticket_;
  bool reached_node_ = false;
  std::uint16_t status_ = 0;
  bool encoded_ = false;
  std::string answer_;
};

} // namespace rproxyd
