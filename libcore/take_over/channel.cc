#include "libcore/take_over/channel.h"

#include <errno.h>
#include <fmt/format.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "libcore/event/loop.h"

namespace take_over {
namespace {

constexpr std::uint32_t kMagic = 0x56544b4fU;
constexpr std::uint8_t kAcknowledged = 0x06;

struct Header {
  std::uint32_t magic = kMagic;
  std::uint32_t kind = 0;
  std::uint32_t state_bytes = 0;
  std::uint32_t descriptors = 0;
};

// Aligned as the kernel wants its control messages.
struct Rights {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kDescriptorsPerBatch)> bytes{};
};

core::TimePoint steady_now() { return event::read_now().steady; }

std::unexpected<core::Error> failed(std::string_view what) {
  return core::failure(
      fmt::format("cannot {} the other process: {}", what, std::generic_category().message(errno)));
}

// Keys may be in it.
struct Wiped {
  explicit Wiped(std::vector<std::uint8_t> of) : bytes(std::move(of)) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { explicit_bzero(bytes.data(), bytes.size()); }

  std::vector<std::uint8_t> bytes;
};

} // namespace

core::Result<void> Channel::send(Kind kind, const nlohmann::json& state,
                                 std::span<const int> descriptors, core::Duration silence) {
  const std::lock_guard lock(sending_);
  ended_ = false;
  Wiped message{std::vector<std::uint8_t>(sizeof(Header))};
  // In one piece with its header: a short message arrives whole or not at all.
  const Wiped encoded{nlohmann::json::to_cbor(state)};
  if (encoded.bytes.size() > kMaxState || descriptors.size() > kMaxDescriptors) {
    return core::failure(fmt::format("{} bytes and {} descriptors are too much for one message",
                                     encoded.bytes.size(), descriptors.size()));
  }
  const Header header{.kind = static_cast<std::uint32_t>(kind),
                      .state_bytes = static_cast<std::uint32_t>(encoded.bytes.size()),
                      .descriptors = static_cast<std::uint32_t>(descriptors.size())};
  message.bytes.reserve(sizeof header + encoded.bytes.size()); // no copy is left behind
  ::memcpy(message.bytes.data(), &header, sizeof header);
  message.bytes.insert(message.bytes.end(), encoded.bytes.begin(), encoded.bytes.end());
  if (auto sent = write(message.bytes, steady_now() + silence); !sent) return sent;
  while (!descriptors.empty()) {
    const auto batch = descriptors.first(std::min(descriptors.size(), kDescriptorsPerBatch));
    if (auto sent = send_descriptors(batch, steady_now() + silence); !sent) return sent;
    descriptors = descriptors.subspan(batch.size());
  }
  return {};
}

core::Result<Message> Channel::receive(core::Duration silence) {
  ended_ = false;
  Header header;
  const std::span raw(reinterpret_cast<std::uint8_t*>(&header), sizeof header);
  if (auto got = read(raw, steady_now() + silence); !got) return std::unexpected(got.error());
  if (header.magic != kMagic || header.state_bytes > kMaxState ||
      header.descriptors > kMaxDescriptors)
    return core::failure("the other process sent something that is no message of a take-over");
  Wiped encoded{std::vector<std::uint8_t>(header.state_bytes)};
  if (auto got = read(encoded.bytes, steady_now() + silence); !got)
    return std::unexpected(got.error());
  Message message{.kind = static_cast<Kind>(header.kind),
                  .state = nlohmann::json::from_cbor(encoded.bytes, true, false),
                  .descriptors = {}};
  if (message.state.is_discarded())
    return core::failure("the other process sent a message that is damaged");
  message.descriptors.reserve(header.descriptors);
  while (message.descriptors.size() < header.descriptors) {
    const auto count =
        std::min(header.descriptors - message.descriptors.size(), kDescriptorsPerBatch);
    if (auto got = receive_descriptors(message.descriptors, count, steady_now() + silence); !got)
      return std::unexpected(got.error());
  }
  return message;
}

void Channel::take_no_more() { ::shutdown(socket_.get(), SHUT_RD); }

// ---- descriptors

core::Result<void> Channel::send_descriptors(std::span<const int> batch, core::TimePoint until) {
  Rights rights;
  std::uint8_t carrier = 0; // ancillary data needs a byte to go with
  iovec data{.iov_base = &carrier, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = rights.bytes.data();
  message.msg_controllen = CMSG_SPACE(batch.size_bytes());
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(batch.size_bytes());
  ::memcpy(CMSG_DATA(control), batch.data(), batch.size_bytes());
  for (;;) {
    if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) break;
    if (errno == EPIPE || errno == ECONNRESET) return has_ended();
    if (errno != EAGAIN && errno != EINTR) return failed("give a descriptor to");
    if (auto waited = wait(POLLOUT, until); !waited) return waited;
  }
  std::uint8_t answer = 0;
  if (auto got = read({&answer, 1}, until); !got) return got;
  if (answer != kAcknowledged) return core::failure("the other process did not take a descriptor");
  return {};
}

core::Result<void> Channel::receive_descriptors(std::vector<event::Fd>& to, std::size_t count,
                                                core::TimePoint until) {
  Rights rights;
  std::uint8_t carrier = 0;
  iovec data{.iov_base = &carrier, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = rights.bytes.data();
  message.msg_controllen = rights.bytes.size();
  for (;;) {
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got > 0) break;
    if (got == 0) return has_ended();
    if (errno == ECONNRESET) return has_ended();
    if (errno != EAGAIN && errno != EINTR) return failed("get a descriptor from");
    if (auto waited = wait(POLLIN, until); !waited) return waited;
  }
  std::size_t taken = 0;
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t here = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < here; ++i, ++taken) {
      int fd = -1;
      ::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
      to.emplace_back(fd);
    }
  }
  // The kernel drops those that this process has no room for, and says so (recvmsg(2)).
  if ((message.msg_flags & MSG_CTRUNC) != 0 || taken != count) {
    return core::failure(fmt::format(
        "{} of {} descriptors came: this process may not open as many as the other (ulimit -n)",
        taken, count));
  }
  return write({&kAcknowledged, 1}, until);
}

// ---- bytes

core::Result<void> Channel::write(std::span<const std::uint8_t> bytes, core::TimePoint until) {
  while (!bytes.empty()) {
    const ssize_t sent =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EPIPE || errno == ECONNRESET) return has_ended();
    if (errno != EAGAIN && errno != EINTR) return failed("send to");
    if (auto waited = wait(POLLOUT, until); !waited) return waited;
  }
  return {};
}

core::Result<void> Channel::read(std::span<std::uint8_t> bytes, core::TimePoint until) {
  while (!bytes.empty()) {
    // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): MSG_DONTWAIT
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(got));
      continue;
    }
    if (got == 0) return has_ended();
    if (errno == ECONNRESET) return has_ended();
    if (errno != EAGAIN && errno != EINTR) return failed("hear from");
    if (auto waited = wait(POLLIN, until); !waited) return waited;
  }
  return {};
}

core::Result<void> Channel::wait(short events, core::TimePoint until) {
  const auto left = until - steady_now();
  if (left <= core::Duration::zero())
    return core::failure("the other process has been silent for too long");
  pollfd watched{.fd = socket_.get(), .events = events, .revents = 0};
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  ::poll(&watched, 1, static_cast<int>(std::min<long>(millis, 60'000)));
  return {}; // the caller tries again, and comes back here if nothing has changed
}

std::unexpected<core::Error> Channel::has_ended() {
  ended_ = true;
  return core::failure("the other process has closed the connection");
}

} // namespace take_over
