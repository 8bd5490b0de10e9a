// Any sequence of what clients, peers, the kernel and the clock may do to a server, signed where the
// input says so, so that it gets past authentication. Whatever happens: nothing breaks, and when
// everything's time has passed nothing is left.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/turn/scene.h"

namespace {

using turn_test::Buffer;
using turn_test::Client;
using turn_test::Scene;

void must(bool holds) {
  if (!holds) std::abort();
}

// The input as a source of small decisions.
class Input {
 public:
  explicit Input(core::Bytes bytes) : reader_(bytes) {}
  bool empty() const { return reader_.empty(); }
  std::uint8_t u8() { return reader_.u8().value_or(0); }
  std::uint16_t u16() { return reader_.u16().value_or(0); }
  std::uint32_t u32() { return reader_.u32().value_or(0); }
  core::Bytes some() { // a length, then so many bytes
    const std::size_t wanted = u8();
    return reader_.take(std::min(wanted, reader_.size())).value_or(core::Bytes());
  }

 private:
  core::ByteReader reader_;
};

// Few peers, so that permissions and channels meet their packets.
constexpr std::array kPeers{"203.0.113.1:5000",    "203.0.113.1:5001", "203.0.113.2:5000",
                            "127.0.0.1:5000",      "[2001:db8::9]:7",  "[::ffff:10.0.0.1]:7",
                            "198.51.100.130:3478", "0.0.0.0:0"};
const char* peer(Input& in) { return kPeers[in.u8() % kPeers.size()]; }

constexpr std::array kMethods{stun::Method::allocate,          stun::Method::refresh,
                              stun::Method::create_permission, stun::Method::channel_bind,
                              stun::Method::binding,           stun::Method::connect};

// Up to a dozen attributes: well formed ones, and any others.
Client::Fill attributes(Input& in) {
  return [&in](stun::MessageBuilder& m) {
    for (int left = in.u8() % 12; left > 0; --left) {
      switch (in.u8() % 10) {
        case 0:
          m.add_u32(stun::Attribute::requested_transport,
                    std::uint32_t{in.u8() % 2 == 0 ? 17U : 6U} << 24);
          break;
        case 1:
          m.add_u32(stun::Attribute::lifetime, in.u32());
          break;
        case 2:
          m.add_u32(stun::Attribute::channel_number, std::uint32_t{in.u16()} << 16);
          break;
        case 3:
          m.add_xor_address(stun::Attribute::xor_peer_address, turn_test::address_of(peer(in)));
          break;
        case 4:
          m.add_u32(stun::Attribute::requested_address_family, std::uint32_t{in.u8()} << 24);
          break;
        case 5:
          m.add_u32(stun::Attribute::additional_address_family, std::uint32_t{in.u8()} << 24);
          break;
        case 6:
          m.add(stun::Attribute::even_port, std::array{in.u8()});
          break;
        case 7:
          m.add(stun::Attribute::reservation_token, in.some());
          break;
        case 8:
          m.add(stun::Attribute::data, in.some());
          break;
        default:
          m.add(static_cast<stun::Attribute>(in.u16()), in.some());
          break;
      }
    }
  };
}

// Arguments are read one after the other: the order within a call is the compiler's choice, and a
// corpus is for all of them.
void one_event(Scene& scene, std::array<Client, 4>& clients, Input& in) {
  Client& client = clients[in.u8() % clients.size()];
  switch (in.u8() % 12) {
    case 0:
      (void)scene.feed(client, in.some());
      break;
    case 1: {
      const auto method = kMethods[in.u8() % kMethods.size()];
      const auto result = scene.feed(client, client.unsigned_request(method, attributes(in)));
      if (result.answer && result.answer->has(stun::Attribute::nonce)) client.learn(*result.answer);
      break;
    }
    case 2:
      scene.challenge(client);
      break;
    case 3: {
      const auto method = kMethods[in.u8() % kMethods.size()];
      (void)scene.request(client, method, attributes(in));
      break;
    }
    case 4:
      (void)scene.allocate(client, attributes(in));
      break;
    case 5: {
      const auto number = static_cast<std::uint16_t>(0x4000 + in.u8() % 4);
      (void)scene.request(client, stun::Method::channel_bind, Client::channel(number, peer(in)));
      break;
    }
    case 6: {
      const auto number = static_cast<std::uint16_t>(0x4000 + in.u8() % 4);
      (void)scene.feed(client, Client::channel_data(number, core::text_of(in.some())));
      break;
    }
    case 7:
      (void)scene.feed(client,
                       client.message(stun::Method::send, stun::Class::indication, attributes(in)));
      break;
    case 8:
      if (!scene.opened.empty()) {
        const auto relay = scene.opened[in.u8() % scene.opened.size()].relay;
        const char* from = peer(in);
        (void)scene.feed_peer(relay, from, core::text_of(in.some()));
      }
      break;
    case 9:
      scene.pass(std::chrono::milliseconds(in.u32() % 700'000));
      break;
    case 10: {
      const std::uint8_t every = in.u8();
      scene.refuse_port = [every](const auto& address) {
        return every != 0 && address.port() % every == 0;
      };
      break;
    }
    default:
      scene.server.client_gone(client.five_tuple, scene.now);
      break;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  turn_test::Options options;
  options.relay_addresses = {turn_test::relay_address("198.51.100.130"),
                             turn_test::relay_address("2001:db8::130")};
  options.ports = {.first = 50000, .last = 50011};
  options.limits.permissions_per_allocation = 3;
  options.limits.channels_per_allocation = 3;
  options.allocations_per_user = 3;
  options.mobility = true;
  options.tcp_relay = true;
  Scene scene(options);
  std::array clients{
      Client("alice", "wonder", "192.0.2.7:1"), Client("alice", "wonder", "192.0.2.7:2"),
      Client("bob", "builder", "192.0.2.8:1"), Client("nobody", "x", "[2001:db8::7]:1")};
  clients[1].five_tuple.transport = turnd::Transport::tcp;
  clients[3].five_tuple.transport = turnd::Transport::tls;
  clients[2].algorithm = stun::PasswordAlgorithm::sha256;
  clients[2].hides_name = true;

  Input in(core::Bytes(data, size));
  for (int events = 0; events < 200 && !in.empty(); ++events) {
    one_event(scene, clients, in);
    for (const turnd::ConnectPeer& connect : std::exchange(scene.connects, {})) {
      if (connect.to.port() % 2 == 0) {
        (void)scene.settle_now(scene.server.peer_connected(connect.number, scene.now));
      } else {
        (void)scene.settle_now(scene.server.peer_unreachable(connect.number));
      }
    }
    scene.pass({}); // carries out what client_gone() left to do
    must(scene.server.allocation_count() <= clients.size());
    must(scene.quota.taken() == scene.server.allocation_count());
    must(scene.server.relay_count() <= 24);
    must(scene.nothing_left());
  }

  scene.pass(std::chrono::hours(2));
  must(scene.server.allocation_count() == 0);
  must(scene.server.relay_count() == 0);
  must(scene.quota.taken() == 0);
  must(!scene.server.next_deadline());
  must(scene.server.is_idle());
  must(scene.own_mobile_allocations.size() == 0);
  must(scene.own_peer_connections.size() == 0);
  return 0;
}
