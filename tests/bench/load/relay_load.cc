// Load on a TURN server (or on the do-nothing relay), of one kind, for a time; and what came out on the other side.
//
//   relay_load --server ADDRESS [--carrier udp|tcp|tls|floor] [--kind channel|send] [--direction up|down]
//              [--flows N] [--size BYTES] [--rate PACKETS] [--burst-ms MS] [--gso] [--seconds S]
//              [--saturate SECONDS] [--saturated-first]
//
// Prints "begin" when the load has settled and is measured from there, "end" when no more is measured; the same again around a
// stretch in which as much is offered as comes out (--saturate; with --saturated-first before the other one, whose rate is half
// of what came out then); and one line of JSON.
// One thread, busy all the time: it is meant to have a core for itself.
#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
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
#include "tests/bench/load/process.h"
#include "tests/bench/load/relay_peer.h"
#include "tests/bench/load/stream_frames.h"
#include "tests/bench/load/turn_flow.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSettleSeconds = 0.4;
constexpr std::size_t kRoom = 65'536;
constexpr std::uint64_t kWindow = 1024; // packets under way while saturating
constexpr std::size_t kAtOnce = 32;     // that are sent before what came is looked at
constexpr std::size_t kSegments = 48;   // of one send with GSO
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
  double saturate = 0;
  bool saturated_first = false;
  bool gso = false;
  double seconds = 3;
  Account account;
};

struct Flow {
  std::unique_ptr<TurnFlow> client;
  std::vector<std::uint8_t> frame; // that it sends
  StreamFrames frames;             // that come to it
};

struct Stretch {
  std::uint64_t units = 0, sent = 0;
  double seconds = 0;
  double per_second() const { return seconds > 0 ? static_cast<double>(units) / seconds : 0; }
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options),
        peer_(options.gso || options.saturated_first),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (options.carrier == "tls") tls_.reset(SSL_CTX_new(TLS_method()));
    const auto server = core::SocketAddress::parse(options.server);
    if (!server) give_up("--server");
    payload_.resize(options.size, 0x5a);
    flows_.resize(options.flows);
    for (unsigned i = 0; i < options.flows; ++i) open(flows_[i], *server, i);
  }

  void run() {
    Stretch moderate;
    Stretch saturated;
    if (options_.saturated_first) {
      saturated = measure(true, options_.saturate);
      arrivals_ = Arrivals();
      begin_ = Clock::now();
      options_.rate = saturated.per_second() / 2;
    }
    moderate = measure(false, options_.seconds);
    const std::string latency = arrivals_.latencies().json();
    if (options_.saturate > 0 && !options_.saturated_first)
      saturated = measure(true, options_.saturate);
    std::printf(R"({"units": %lu, "sent": %lu, "per_second": %.0f, "saturated_units": %lu, )"
                R"("saturated": %.0f, "latency": %s})"
                "\n",
                moderate.units, moderate.sent, moderate.per_second(), saturated.units,
                saturated.per_second(), latency.c_str());
  }

 private:
  bool up() const { return options_.direction == "up"; }
  bool on_stream() const { return options_.carrier == "tcp" || options_.carrier == "tls"; }

  void open(Flow& flow, const core::SocketAddress& server, unsigned number) {
    const Carrier carrier = options_.carrier == "tcp"     ? Carrier::tcp
                            : options_.carrier == "tls"   ? Carrier::tls
                            : options_.carrier == "floor" ? Carrier::floor
                                                          : Carrier::udp;
    flow.client = std::make_unique<TurnFlow>(carrier, server, number, tls_.get());
    if (carrier == Carrier::floor) {
      flow.client->ask_floor(peer_.address(number));
    } else {
      flow.client->allocate(options_.account);
      flow.client->bind_channel(peer_.address(number));
    }
    flow.client->stop_blocking();
    flow.frame = make_frame(number);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &flow}};
    if (!up()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, flow.client->fd(), &event);
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

  Stretch measure(bool saturated, double seconds) {
    begin_ = Clock::now();
    sent_before_ = sent_;
    run_for(saturated, saturated ? kSettleSeconds / 2 : kSettleSeconds);
    say("begin");
    arrivals_.begin();
    const auto from = Clock::now();
    const std::uint64_t sent = sent_;
    run_for(saturated, seconds);
    arrivals_.end();
    say("end");
    return {.units = arrivals_.measured(),
            .sent = sent_ - sent,
            .seconds = std::chrono::duration<double>(Clock::now() - from).count()};
  }

  void run_for(bool saturated, double seconds) {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(seconds));
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
      const bool sent = saturated ? send_more(now) : send_due(now);
      if (!sent || saturated || ++since_received_ % 8 == 0) receive();
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
    if (static_cast<double>(sent_ - sent_before_) + 1 > due) return false;
    if (options_.gso) {
      send_segments();
    } else {
      send_one();
      ++sent_; // also when there was no room: it is lost then
    }
    return true;
  }

  bool send_one() {
    const std::size_t at = next_++ % flows_.size();
    const std::int64_t now = nanoseconds();
    Flow& flow = flows_[at];
    if (up()) {
      std::memcpy(flow.frame.data() + time_at_, &now, sizeof now);
      return flow.client->send(flow.frame);
    }
    std::memcpy(payload_.data(), &now, sizeof now);
    peer_.send(payload_, at, flow.client->relay());
    return true;
  }

  // As many as the window has room for; what does not come within kLost is gone.
  bool send_more(Clock::time_point now) {
    if (arrivals_.total() != last_total_) {
      last_total_ = arrivals_.total();
      last_progress_ = now;
    }
    if (now - last_progress_ > kLost) {
      lost_ = sent_ - arrivals_.total();
      last_progress_ = now;
    }
    const std::uint64_t under_way = sent_ - std::min(sent_, lost_ + arrivals_.total());
    if (under_way >= kWindow) return false;
    if (options_.gso) {
      send_segments();
    } else if (flows_.size() == 1) {
      send_batch();
    } else {
      for (std::size_t i = 0; i < kAtOnce; ++i) sent_ += send_one() ? 1 : 0;
    }
    return true;
  }

  // Of one flow, in one call.
  void send_batch() {
    std::array<iovec, kAtOnce> vectors{};
    std::array<mmsghdr, kAtOnce> headers{};
    std::vector<std::uint8_t>& frame = flows_[0].frame;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      vectors[i] = {.iov_base = frame.data(), .iov_len = frame.size()};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    const std::int64_t now = nanoseconds();
    std::memcpy(frame.data() + time_at_, &now, sizeof now);
    const int sent = ::sendmmsg(flows_[0].client->fd(), headers.data(), kAtOnce, MSG_DONTWAIT);
    if (sent > 0) sent_ += static_cast<std::uint64_t>(sent);
  }

  void send_segments() {
    const std::vector<std::uint8_t>& frame = flows_[0].frame;
    if (segments_.empty()) {
      for (std::size_t i = 0; i < kSegments; ++i) {
        segments_.insert(segments_.end(), frame.begin(), frame.end());
      }
      const int size = static_cast<int>(frame.size());
      ::setsockopt(flows_[0].client->fd(), IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
    const std::int64_t now = nanoseconds();
    for (std::size_t i = 0; i < kSegments; ++i)
      std::memcpy(segments_.data() + i * frame.size() + time_at_, &now, sizeof now);
    if (::send(flows_[0].client->fd(), segments_.data(), segments_.size(), MSG_DONTWAIT) > 0) {
      sent_ += kSegments;
    }
  }

  void receive() {
    if (up()) {
      peer_.receive(arrivals_, options_.size);
      return;
    }
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) {
      receive_frames(*static_cast<Flow*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
  }

  void receive_frames(Flow& flow) {
    const std::size_t padded = stun::padded(options_.size);
    while (const std::size_t got = flow.client->receive(room_)) {
      if (on_stream()) {
        flow.frames.read(core::Bytes(room_).first(got), padded, arrivals_);
      } else if (got >= options_.size) { // a channel's frame, or an indication of as much
        arrivals_.count(room_.data() + got - padded, nanoseconds());
      }
    }
  }

  Options options_;
  RelayPeer peer_;
  event::Fd epoll_;
  bssl::UniquePtr<SSL_CTX> tls_;
  std::vector<Flow> flows_;
  std::vector<std::uint8_t> payload_, segments_;
  std::vector<std::uint8_t> room_ = std::vector<std::uint8_t>(kRoom);
  std::size_t time_at_ = 0;
  unsigned since_received_ = 0;
  Arrivals arrivals_;
  std::uint64_t next_ = 0, sent_ = 0, sent_before_ = 0, lost_ = 0, last_total_ = 0;
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
  app.add_option("--saturate", options.saturate, "so many seconds, as fast as they come out");
  app.add_flag("--saturated-first", options.saturated_first, "and then at half of that");
  app.add_flag("--gso", options.gso, "one flow");
  app.add_option("--seconds", options.seconds);
  app.add_option("--user", options.account.user);
  app.add_option("--password", options.account.password);
  CLI11_PARSE(app, argc, argv);
  bench::raise_descriptor_limit();
  bench::Load load(options);
  load.run();
}
