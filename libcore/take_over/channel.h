// The connection over which one process takes a daemon's work over from another: messages, each a
// value and any number of descriptors, over a Unix socket (SCM_RIGHTS).
//
//   message = header, state as CBOR, descriptors in batches, each of them acknowledged by a byte
//
// A batch is acknowledged because the kernel counts descriptors on their way against the sender's limit.
// Both ends run on the same machine: numbers are in its byte order.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/base/time.h"
#include "libcore/event/fd.h"

namespace take_over {

// Both must speak the same; raised when messages or what they mean change. What is inside of `state`
// is the daemons' own, who number it themselves.
inline constexpr std::uint32_t kProtocol = 1;
inline constexpr std::size_t kMaxState = std::size_t{32} << 20; // bytes, a message
inline constexpr std::size_t kMaxDescriptors = 65'536;          // a message
inline constexpr std::size_t kDescriptorsPerBatch = 253;        // SCM_MAX_FD of the kernel
// How long either side may be silent while the other waits for a message to go on.
inline constexpr core::Duration kSilence = std::chrono::seconds(10);

enum class Kind : std::uint8_t {
  portion = 1, // of what is given
  offered,     // that was all, for now
  ready,       // the new one could begin
  handed,      // that was all
  serving,     // the new one begins
  kept,        // it came to nothing: the old one serves on, the new one must not
  refused,     // the new one gives up
  note,        // between two that have come to an end with this
};

struct Message {
  Kind kind = Kind::note;
  nlohmann::json state;
  std::vector<event::Fd> descriptors;
};

class Channel {
 public:
  explicit Channel(event::Fd socket) : socket_(std::move(socket)) {}

  // `descriptors` are borrowed until it returns. From any thread, one message after the other; but
  // while one with descriptors is sent, nothing may be received.
  core::Result<void> send(Kind kind, const nlohmann::json& state = {},
                          std::span<const int> descriptors = {}, core::Duration silence = kSilence);
  core::Result<Message> receive(core::Duration silence = kSilence);

  // Why the last call failed: the other process has closed its end, or is no more.
  bool ended() const { return ended_; }

  // From now on nothing the other side sends can arrive; what has been sent can still be received. So
  // either the other's send() has succeeded, and its message is here, or it fails.
  void take_no_more();

  int socket() const { return socket_.get(); }

 private:
  core::Result<void> send_descriptors(std::span<const int> batch, core::TimePoint until);
  core::Result<void> receive_descriptors(std::vector<event::Fd>& to, std::size_t count,
                                         core::TimePoint until);
  core::Result<void> write(std::span<const std::uint8_t> bytes, core::TimePoint until);
  core::Result<void> read(std::span<std::uint8_t> bytes, core::TimePoint until);
  core::Result<void> wait(short events, core::TimePoint until);
  std::unexpected<core::Error> has_ended();

  event::Fd socket_;
  std::mutex sending_;
  std::atomic<bool> ended_ = false;
};

} // namespace take_over
