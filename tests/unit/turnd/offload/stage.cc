#include "tests/unit/turnd/offload/stage.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <sched.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <fstream>

namespace offload_test {
namespace {

constexpr std::uint32_t kBindings = 16;

void run_command(const std::string& command) {
  INFO(command);
  REQUIRE(std::system(command.c_str()) == 0); // NOLINT(concurrency-mt-unsafe)
}

std::string text_of(const Mac& mac) {
  std::string text;
  for (const std::uint8_t byte : mac) {
    constexpr const char* kDigits = "0123456789abcdef";
    if (!text.empty()) text += ':';
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

turnd::OffloadInterface interface_of(const std::string& name, const Mac& mac) {
  return {.name = name,
          .index = if_nametoindex(name.c_str()),
          .mac = mac,
          .sends_back = name == "outside"};
}

void write_setting(const char* path, const char* value) {
  std::ofstream file(path);
  file << value;
  REQUIRE(file.flush());
}

Network make_network() {
  if (::unshare(CLONE_NEWNET) != 0) SKIP("no network namespaces for this user");
  constexpr Mac kOutside{2, 0, 0, 0, 1, 1};
  constexpr Mac kInside{2, 0, 0, 0, 1, 2};
  run_command(
      "set -e; ip link set lo up;"
      "ip link add outside type veth peer name clients;"
      "ip link add inside type veth peer name peers;"
      "for each in outside clients inside peers; do ip link set $each up; done;"
      "ip address add 192.0.2.1/24 dev outside;"
      "ip address add 2001:db8:c::1/64 dev outside nodad;"
      "ip address add 203.0.113.1/24 dev inside;"
      "ip address add 2001:db8:9::1/64 dev inside nodad;"
      "ip route add 198.51.100.0/24 via 192.0.2.254 mtu lock 1280");
  run_command("ip link set outside address " + text_of(kOutside));
  run_command("ip link set inside address " + text_of(kInside));
  const auto neighbours = [](const char* device, const Mac& mac, const char* ipv4,
                             const char* ipv6) {
    for (const int last : {7, 8, 9}) {
      for (const char* net : {ipv4, ipv6}) {
        run_command(std::string("ip neighbour add ") + net + std::to_string(last) + " lladdr " +
                    text_of(mac) + " dev " + device + " nud permanent");
      }
    }
  };
  neighbours("outside", kOutsideNeighbour, "192.0.2.", "2001:db8:c::");
  neighbours("inside", kInsideNeighbour, "203.0.113.", "2001:db8:9::");
  run_command("ip neighbour add 192.0.2.254 dev outside nud permanent lladdr " + text_of(kRouter));
  write_setting("/proc/sys/net/ipv4/conf/lo/forwarding", "1");
  write_setting("/proc/sys/net/ipv6/conf/lo/forwarding", "1");
  return {.interfaces = {interface_of("outside", kOutside), interface_of("inside", kInside)}};
}

turn_test::Options options() {
  turn_test::Options options;
  options.relay_addresses = {turn_test::relay_address(kInsideIpv4),
                             turn_test::relay_address(kInsideIpv6)};
  return options;
}

} // namespace

const Network& Network::get() {
  static const Network network = make_network();
  return network;
}

Stage::Stage() : scene(options()) {
  auto loaded = turnd::KernelRelay::load(Network::get().interfaces, kBindings);
  if (!loaded) {
    INFO(loaded.error().text);
    if (loaded.error().text.ends_with("Operation not permitted")) SKIP("BPF is not for this user");
    FAIL();
  }
  kernel = *std::move(loaded);
  REQUIRE(kernel->attach()); // test runs want interfaces that have been made ready for XDP
  scene.server.set_offload_numbers(0, kBindings, scene.now);
}

Stage::Call& Stage::call(const char* client_address, const char* peer) {
  const auto number = static_cast<std::uint32_t>(calls.size());
  auto owned =
      std::make_unique<Call>(Call{turn_test::Client("alice", "wonder", client_address), {}, {}});
  Call& call = *owned;
  const auto family = call.client.five_tuple.client.family();
  call.client.five_tuple.server = core::SocketAddress(
      *core::IpAddress::parse(family == core::Family::ipv4 ? kOutsideIpv4 : kOutsideIpv6), 3478);
  call.client.tag = turnd::ClientTag{number + 1};
  const auto peer_address = turn_test::address_of(peer);
  const auto wanted =
      peer_address.family() == core::Family::ipv4 ? stun::kFamilyIpv4 : stun::kFamilyIpv6;
  using turn_test::Client;
  REQUIRE(
      scene.allocate(call.client, Client::family(stun::Attribute::requested_address_family, wanted))
          .is_success());
  call.relay = scene.last_relay();
  REQUIRE(scene.request(call.client, stun::Method::channel_bind, Client::channel(0x4001, peer))
              .is_success());
  // The core's own decision, in this machine's time.
  const turnd::BeginOffload& begun = scene.offloaded.at(turnd::OffloadNumber{number});
  call.binding = begun.binding;
  REQUIRE(kernel->add(number, call.binding,
                      std::chrono::steady_clock::now() + (begun.expires - scene.now.steady)));
  kernel->set_next_ordinary(number, UINT64_MAX);
  calls.push_back(std::move(owned));
  return call;
}

Outcome Stage::run(Side side, core::Bytes frame) const {
  return run_once(kernel->program(static_cast<std::size_t>(side)), side, frame);
}

Outcome Stage::run_once(int program, Side side, core::Bytes frame) const {
  Buffer in(frame.begin(), frame.end());
  Buffer out(16384);
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(in.size());
  context.ingress_ifindex = Network::get().at(side).index;
  LIBBPF_OPTS(bpf_test_run_opts, run);
  run.data_in = in.data();
  run.data_size_in = static_cast<std::uint32_t>(in.size());
  run.data_out = out.data();
  run.data_size_out = static_cast<std::uint32_t>(out.size());
  run.ctx_in = &context;
  run.ctx_size_in = sizeof context;
  const int error = bpf_prog_test_run_opts(program, &run);
  INFO(error);
  REQUIRE(error == 0);
  out.resize(run.data_size_out);
  return {.action = static_cast<Outcome::Action>(run.retval), .bytes = std::move(out)};
}

Frame Stage::from_client(const Call& call, const std::string& payload) {
  return {.to = Network::get().at(Side::outside).mac,
          .from = kOutsideNeighbour,
          .source = call.binding.client,
          .destination = call.binding.server,
          .payload = payload};
}

Frame Stage::from_peer(const Call& call, const std::string& payload) {
  return {.to = Network::get().at(Side::inside).mac,
          .from = kInsideNeighbour,
          .source = call.binding.peer,
          .destination = call.binding.relay,
          .payload = payload};
}

// The sockets between the core and IP: who is spoken to, and what of a header they hand on.
std::optional<Frame> Stage::core_of(const Buffer& received) {
  const auto frame = frame_of(received);
  if (!frame) return std::nullopt;
  const turnd::IpFields ip{.traffic_class = frame->traffic_class, .hop_limit = frame->hop_limit};
  Frame sent;
  const auto set_ip = [&sent](const turnd::IpFields& fields) {
    sent.traffic_class = fields.traffic_class;
    sent.hop_limit = fields.hop_limit.value();
  };
  for (const auto& call : calls) {
    if (frame->destination == call->binding.relay) {
      const auto result =
          scene.feed_peer(call->relay, frame->source.to_string().c_str(), frame->payload, ip);
      if (!result.to_client) return std::nullopt;
      sent.source = result.five_tuple->server;
      sent.destination = result.five_tuple->client;
      sent.payload = core::text_of(*result.to_client);
      sent.dont_fragment = sent.source.family() == core::Family::ipv4;
      set_ip(result.ip);
      return sent;
    }
  }
  turn_test::Client sender("", "");
  sender.five_tuple.client = frame->source;
  sender.five_tuple.server = frame->destination;
  const auto result = scene.feed(sender, core::bytes_of(frame->payload), ip);
  if (!result.to_peer) return std::nullopt;
  for (const auto& call : calls) {
    if (call->relay == result.to_peer->relay) sent.source = call->binding.relay;
  }
  sent.destination = result.to_peer->peer;
  sent.payload = result.to_peer->payload;
  set_ip(result.to_peer->ip);
  return sent;
}

} // namespace offload_test
