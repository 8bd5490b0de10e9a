// Load on a TURN server (or on the do-nothing relay), of one kind, for a time; and what came out on the other side.
//
//   relay_load --server ADDRESS [--carrier udp|tcp|tls|floor] [--kind channel|send] [--direction up|down]
//              [--flows N] [--size BYTES] [--rate PACKETS] [--burst-ms MS] [--saturate] [--gso] [--seconds S]
//
// Prints "begin" when the load has settled and is measured from there, "end" when no more is measured, then one line of JSON.
// One thread, busy all the time: it is meant to have a core for itself.
#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/stun/builder.h"
#include "libcore/stun/channel_data.h"
#include "libcore/tls/client_context.h"
#include "tests/bench/load/turn_flow.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSettleSeconds = 0.5;
constexpr int kBuffer = 16 << 20;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kRoom = 65'536;
constexpr std::uint64_t kWindow = 1024;     // packets under way while saturating
constexpr std::size_t kSegments = 48;       // of one send with GSO
constexpr std::size_t kLatencies = 4 << 20; // that are kept
constexpr auto kLost =
    std::chrono::milliseconds(5); // nothing comes any more: what is missing was dropped

struct Options {
  std::string server;
  std::string carrier = "udp";
  std::string kind = "channel";
  std::string direction = "up";
  unsigned flows = 200;
  std::size_t size = 160;
  double rate = 40'000;
  double burst_ms = 0;
  bool saturate = false;
  bool gso = false;
  double seconds = 3;
  Account account;
};

std::int64_t nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

// What came out: counted while it is measured.
class Seen {
 public:
  Seen() { latencies_.reserve(kLatencies); }
  void begin() { measuring_ = true; }
  void end() { measuring_ = false; }
  void count(std::uint64_t packets) {
    total_ += packets;
    if (measuring_) measured_ += packets;
  }
  void count(const std::uint8_t* payload, std::int64_t now) {
    count(1);
    if (!measuring_ || latencies_.size() == kLatencies) return;
    std::int64_t sent = 0;
    std::memcpy(&sent, payload, sizeof sent);
    if (sent != 0) latencies_.push_back(static_cast<float>(now - sent));
  }
  std::uint64_t total() const { return total_; }
  std::uint64_t measured() const { return measured_; }
  double latency(double part) {
    if (latencies_.empty()) return 0;
    const auto at = latencies_.begin() +
                    static_cast<std::ptrdiff_t>(part * static_cast<double>(latencies_.size() - 1));
    std::nth_element(latencies_.begin(), at, latencies_.end());
    return *at / 1000.0;
  }

 private:
  bool measuring_ = false;
  std::uint64_t total_ = 0, measured_ = 0;
  std::vector<float> latencies_;
};

// The peers of all flows: one socket, and an address for each flow, since a server may tell flows apart by it.
class Peer {
 public:
  explicit Peer(bool gro) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kBuffer, sizeof kBuffer);
    const int one = 1;
    if (gro) ::setsockopt(fd_.get(), IPPROTO_UDP, UDP_GRO, &one, sizeof one);
    ::setsockopt(fd_.get(), IPPROTO_IP, IP_FREEBIND, &one, sizeof one);
    if (::bind(fd_.get(), address_.kernel(), address_.kernel_size()) != 0) give_up("bind");
    socklen_t size = core::SocketAddress::kCapacity;
    ::getsockname(fd_.get(), address_.kernel_for_receive(), &size);
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors_[i] = {.iov_base = bytes_.data() + i * kRoom, .iov_len = kRoom};
      headers_[i].msg_hdr.msg_iov = &vectors_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  core::SocketAddress address(std::size_t flow) const {
    return {core::IpAddress::v4(127, 200, static_cast<std::uint8_t>(flow / 250),
                                static_cast<std::uint8_t>(1 + flow % 250)),
            address_.port()};
  }
  void send(core::Bytes payload, std::size_t flow, const core::SocketAddress& relay) {
    core::SocketAddress to = relay;
    iovec vector{.iov_base = const_cast<std::uint8_t*>(payload.data()), // NOLINT: only read from
                 .iov_len = payload.size()};
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr header{};
    header.msg_name = to.kernel_for_receive();
    header.msg_namelen = to.kernel_size();
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* from = CMSG_FIRSTHDR(&header);
    from->cmsg_level = IPPROTO_IP;
    from->cmsg_type = IP_PKTINFO;
    from->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, address(flow).ip().octets.data(), 4);
    std::memcpy(CMSG_DATA(from), &info, sizeof info);
    ::sendmsg(fd_.get(), &header, MSG_DONTWAIT);
  }
  bool receive(Seen& seen, std::size_t size) {
    const int got = ::recvmmsg(fd_.get(), headers_.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (got <= 0) return false;
    const std::int64_t now = nanoseconds();
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
      if (headers_[i].msg_len > size) {
        seen.count(headers_[i].msg_len / size);
      } else if (headers_[i].msg_len == size) {
        seen.count(bytes_.data() + i * kRoom, now);
      }
    }
    return true;
  }

 private:
  event::Fd fd_;
  core::SocketAddress address_;
  std::vector<std::uint8_t> bytes_ = std::vector<std::uint8_t>(kBatch * kRoom);
  std::array<iovec, kBatch> vectors_{};
  std::array<mmsghdr, kBatch> headers_{};
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), peer_(options.saturate), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (options.carrier == "tls") tls_.reset(SSL_CTX_new(TLS_method()));
    const auto server = core::SocketAddress::parse(options.server);
    if (!server) give_up("--server");
    for (unsigned i = 0; i < options.flows; ++i) add_flow(*server, i);
    payload_.resize(options.size, 0x5a);
    for (unsigned i = 0; i < options.flows; ++i) frames_.push_back(make_frame(i));
  }

  void run() {
    begin_ = Clock::now();
    run_until(kSettleSeconds);
    say("begin");
    seen_.begin();
    const auto measured_from = Clock::now();
    const std::uint64_t sent_before = sent_;
    run_until(kSettleSeconds + options_.seconds);
    seen_.end();
    say("end");
    const double seconds = std::chrono::duration<double>(Clock::now() - measured_from).count();
    std::printf(
        "{\"units\": %llu, \"sent\": %llu, \"seconds\": %.4f, \"per_second\": %.0f, "
        "\"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f}}\n",
        static_cast<unsigned long long>(seen_.measured()),
        static_cast<unsigned long long>(sent_ - sent_before), seconds,
        static_cast<double>(seen_.measured()) / seconds, seen_.latency(0.5), seen_.latency(0.99),
        seen_.latency(0.999));
  }

 private:
  static void say(const char* word) {
    std::puts(word);
    std::fflush(stdout);
  }
  bool up() const { return options_.direction == "up"; }
  bool on_stream() const { return options_.carrier == "tcp" || options_.carrier == "tls"; }

  void add_flow(const core::SocketAddress& server, unsigned number) {
    const Carrier carrier = options_.carrier == "tcp"     ? Carrier::tcp
                            : options_.carrier == "tls"   ? Carrier::tls
                            : options_.carrier == "floor" ? Carrier::floor
                                                          : Carrier::udp;
    auto flow = std::make_unique<TurnFlow>(carrier, server, number, tls_.get());
    if (carrier == Carrier::floor) {
      flow->ask_floor(peer_.address(number));
    } else {
      flow->allocate(options_.account);
      flow->bind_channel(peer_.address(number));
    }
    flow->stop_blocking();
    epoll_event event{.events = EPOLLIN, .data = {.ptr = flow.get()}};
    if (!up()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, flow->fd(), &event);
    flows_.push_back(std::move(flow));
  }

  // Only the time within the payload changes from packet to packet, and in an indication the peer.
  std::vector<std::uint8_t> make_frame(std::size_t number) {
    std::vector<std::uint8_t> frame;
    if (options_.kind == "send") {
      frame.resize(2048);
      stun::MessageBuilder message(frame, stun::Method::send, stun::Class::indication, {});
      message.add_xor_address(stun::Attribute::xor_peer_address, peer_.address(number));
      message.add(stun::Attribute::data, payload_);
      frame.resize(message.finish().size());
      time_at_ = frame.size() - stun::padded(payload_.size());
      return frame;
    }
    frame.resize(stun::kChannelHeaderBytes + stun::padded(payload_.size()));
    stun::write_channel_header(frame.data(), kChannel, payload_.size());
    time_at_ = stun::kChannelHeaderBytes;
    if (!on_stream()) frame.resize(stun::kChannelHeaderBytes + payload_.size());
    return frame;
  }

  void run_until(double seconds) {
    const auto end = begin_ + std::chrono::duration_cast<Clock::duration>(
                                  std::chrono::duration<double>(seconds));
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
      const bool sent = options_.saturate ? send_more() : send_due(now);
      if (!sent || options_.saturate || ++since_received_ % 8 == 0) receive();
    }
  }

  // Evenly, or all of a burst's time at once.
  bool send_due(Clock::time_point now) {
    const double elapsed = std::chrono::duration<double>(now - begin_).count();
    double due = elapsed * options_.rate;
    if (options_.burst_ms > 0) {
      const double burst = options_.burst_ms / 1000;
      due = (std::floor(elapsed / burst) + 1) * burst * options_.rate;
    }
    if (static_cast<double>(sent_) + 1 > due) return false;
    send_one();
    return true;
  }

  void send_one() {
    const std::size_t at = sent_++ % flows_.size();
    const std::int64_t now = nanoseconds();
    if (up()) {
      std::memcpy(frames_[at].data() + time_at_, &now, sizeof now);
      flows_[at]->send(frames_[at]);
    } else {
      std::memcpy(payload_.data(), &now, sizeof now);
      peer_.send(payload_, at, flows_[at]->relay());
    }
  }

  // As many as the window has room for; what does not come within kLost is gone.
  bool send_more() {
    const auto now = Clock::now();
    if (seen_.total() != last_total_) {
      last_total_ = seen_.total();
      last_progress_ = now;
    }
    if (now - last_progress_ > kLost) {
      lost_ = sent_ - seen_.total();
      last_progress_ = now;
    }
    const std::uint64_t under_way = sent_ - std::min(sent_, lost_ + seen_.total());
    if (under_way >= kWindow) return false;
    options_.gso ? send_segments() : send_batch();
    return true;
  }

  void send_batch() {
    constexpr std::size_t kAtOnce = 32;
    std::array<iovec, kAtOnce> vectors{};
    std::array<mmsghdr, kAtOnce> headers{};
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      vectors[i] = {.iov_base = frames_[0].data(), .iov_len = frames_[0].size()};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    const std::int64_t now = nanoseconds();
    std::memcpy(frames_[0].data() + time_at_, &now, sizeof now);
    const int sent = ::sendmmsg(flows_[0]->fd(), headers.data(), kAtOnce, MSG_DONTWAIT);
    if (sent > 0) sent_ += static_cast<std::uint64_t>(sent);
  }

  void send_segments() {
    if (segments_.empty()) {
      for (std::size_t i = 0; i < kSegments; ++i) {
        segments_.insert(segments_.end(), frames_[0].begin(), frames_[0].end());
      }
      const int size = static_cast<int>(frames_[0].size());
      ::setsockopt(flows_[0]->fd(), IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
    if (::send(flows_[0]->fd(), segments_.data(), segments_.size(), MSG_DONTWAIT) > 0) {
      sent_ += kSegments;
    }
  }

  void receive() {
    if (up()) {
      peer_.receive(seen_, options_.size);
      return;
    }
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) {
      receive_frames(*static_cast<TurnFlow*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
  }

  // A stream may bring several frames at once, and parts: all are of one size, so counting bytes is enough.
  void receive_frames(TurnFlow& flow) {
    while (const std::size_t got = flow.receive(room_)) {
      if (!on_stream()) {
        if (got >= options_.size) {
          seen_.count(room_.data() + got - stun::padded(options_.size), nanoseconds());
        }
        continue;
      }
      stream_bytes_ += got;
      const std::size_t frame = stun::kChannelHeaderBytes + stun::padded(options_.size);
      seen_.count(stream_bytes_ / frame);
      stream_bytes_ %= frame;
    }
  }

  Options options_;
  Peer peer_;
  event::Fd epoll_;
  bssl::UniquePtr<SSL_CTX> tls_;
  std::vector<std::unique_ptr<TurnFlow>> flows_;
  std::vector<std::uint8_t> payload_, segments_;
  std::vector<std::vector<std::uint8_t>> frames_; // of each flow
  std::vector<std::uint8_t> room_ = std::vector<std::uint8_t>(kRoom);
  std::size_t time_at_ = 0;
  std::size_t stream_bytes_ = 0;
  unsigned since_received_ = 0;
  Seen seen_;
  std::uint64_t sent_ = 0, lost_ = 0, last_total_ = 0;
  Clock::time_point begin_, last_progress_;
};

} // namespace
} // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  CLI::App app("load on a TURN server");
  app.add_option("--server", options.server)->required();
  app.add_option("--carrier", options.carrier)
      ->check(CLI::IsMember({"udp", "tcp", "tls", "floor"}));
  app.add_option("--kind", options.kind)->check(CLI::IsMember({"channel", "send"}));
  app.add_option("--direction", options.direction)->check(CLI::IsMember({"up", "down"}));
  app.add_option("--flows", options.flows);
  app.add_option("--size", options.size)->check(CLI::Range(16, 1400));
  app.add_option("--rate", options.rate, "packets a second, all flows together");
  app.add_option("--burst-ms", options.burst_ms, "0: evenly spaced");
  app.add_flag("--saturate", options.saturate, "one flow, as fast as they come out");
  app.add_flag("--gso", options.gso);
  app.add_option("--seconds", options.seconds);
  app.add_option("--user", options.account.user);
  app.add_option("--password", options.account.password);
  CLI11_PARSE(app, argc, argv);
  bench::Load load(options);
  load.run();
}
