// What the program in the kernel does with one frame.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/turnd/offload/stage.h"

namespace {

using namespace offload_test; // NOLINT(google-build-using-namespace)
using Action = Outcome::Action;

constexpr const char* kClients[] = {"192.0.2.7:40000", "[2001:db8:c::7]:40000"};
constexpr const char* kPeers[] = {"203.0.113.9:5000", "[2001:db8:9::9]:5000"};

void check_forwarded(Stage& stage, Side side, const Buffer& frame) {
  const auto expected = stage.core_of(frame);
  REQUIRE(expected);
  const auto outcome = stage.run(side, frame);
  REQUIRE(outcome.action == Action::redirected);
  auto sent = frame_of(outcome.bytes);
  REQUIRE(sent);
  CHECK(sent->to == (side == Side::outside ? kInsideNeighbour : kOutsideNeighbour));
  CHECK(sent->from == Network::get().at(side == Side::outside ? Side::inside : Side::outside).mac);
  CHECK(sent->checksum != 0);
  sent->to = sent->from = {};
  sent->checksum = 0;
  CHECK(*sent == *expected);
}

void check_passed(const Stage& stage, Side side, const Buffer& frame) {
  const auto outcome = stage.run(side, frame);
  CHECK(outcome.action == Action::pass);
  CHECK(outcome.bytes == frame); // untouched
}

TEST_CASE("ChannelData and UDP are forwarded as the core does, in all four combinations") {
  for (const char* client : kClients) {
    for (const char* peer : kPeers) {
      Stage stage;
      const auto& call = stage.call(client, peer);
      std::uint64_t bytes = 0;
      for (const std::size_t size : {0, 1, 2, 3, 4, 5, 7, 8, 172, 511, 512, 513, 1199, 1200}) {
        INFO(client << " " << peer << " " << size);
        std::string payload(size, '\0');
        for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 31 + size);
        auto up = Stage::from_client(call, channel_data(0x4001, payload));
        up.traffic_class = 0xb9; // EF, and ECN
        up.hop_limit = 2;
        check_forwarded(stage, Side::outside, bytes_of(up));
        auto down = Stage::from_peer(call, payload);
        down.traffic_class = 0x2e;
        down.hop_limit = 255;
        check_forwarded(stage, Side::inside, bytes_of(down));
        bytes += size;
      }
      CHECK(stage.counts(0).to_peer == turnd::Traffic{.packets = 14, .bytes = bytes});
      CHECK(stage.counts(0).to_client == turnd::Traffic{.packets = 14, .bytes = bytes});
    }
  }
}

TEST_CASE("a datagram without a checksum leaves with one (RFC 768, RFC 8200 8.1)") {
  for (const char* peer : kPeers) {
    Stage stage;
    const auto& call = stage.call(kClients[0], peer);
    const auto frame = Stage::from_client(call, channel_data(0x4001, "hello"));
    check_forwarded(stage, Side::outside, bytes_of(frame, {.no_checksum = true}));
  }
  Stage stage;
  const auto& call = stage.call(kClients[1], kPeers[0]);
  const auto frame = Stage::from_client(call, channel_data(0x4001, "hello"));
  check_passed(stage, Side::outside, bytes_of(frame, {.no_checksum = true}));
}

TEST_CASE("padding on UDP is taken away, if it is nothing else (RFC 8656 12.5)") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[1]);
  const auto frame = [&](const std::string& padding) {
    return bytes_of(Stage::from_client(call, channel_data(0x4001, "hello", padding)));
  };
  check_forwarded(stage, Side::outside, frame(std::string(3, '\0')));
  check_forwarded(stage, Side::outside, frame(std::string(1, '\0')));
  check_passed(stage, Side::outside, frame(std::string("\0\1", 2)));
  check_passed(stage, Side::outside, frame(std::string(4, '\0')));
}

TEST_CASE("what Ethernet has behind a short packet doesn't go along") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  const auto frame = Stage::from_client(call, channel_data(0x4001, "x"));
  const auto received = bytes_of(frame, {.trailer = 13});
  const auto outcome = stage.run(Side::outside, received);
  REQUIRE(outcome.action == Action::redirected);
  REQUIRE(frame_of(outcome.bytes)); // which is strict about it
  CHECK(frame_of(outcome.bytes)->payload == "x");
}

TEST_CASE("back out of the interface that it came by, and by a router") {
  Stage stage;
  const auto& call = stage.call(kClients[0], "192.0.2.8:5000");
  const auto frame = bytes_of(Stage::from_client(call, channel_data(0x4001, "hello")));
  const auto outcome = stage.run(Side::outside, frame);
  CHECK(outcome.action == Action::sent_back);
  CHECK(frame_of(outcome.bytes)->to == kOutsideNeighbour);

  const auto& far = stage.call(kClients[1], "198.51.100.9:5000");
  const auto routed =
      stage.run(Side::outside, bytes_of(Stage::from_client(far, channel_data(0x4001, "hello"))));
  CHECK(routed.action == Action::sent_back);
  CHECK(frame_of(routed.bytes)->to == kRouter);
}

TEST_CASE("where XDP_TX doesn't work, what leaves by the same interface is redirected to it") {
  Stage stage;
  const auto& call = stage.call("203.0.113.7:40000", kPeers[0]);
  auto frame = Stage::from_client(call, channel_data(0x4001, "hello"));
  frame.to = Network::get().at(Side::inside).mac;
  const auto outcome = stage.run(Side::inside, bytes_of(frame));
  CHECK(outcome.action == Action::redirected);
  CHECK(frame_of(outcome.bytes)->to == kInsideNeighbour);
}

TEST_CASE("only IPv4 datagrams that may be fragmented need an identification (RFC 6864)") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  const auto up = bytes_of(Stage::from_client(call, channel_data(0x4001, "hello")));
  const auto first = stage.run(Side::outside, up);
  const auto second = stage.run(Side::outside, up);
  CHECK(identification_of(first.bytes) != identification_of(second.bytes));
  const auto down = stage.run(Side::inside, bytes_of(Stage::from_peer(call, "hello")));
  CHECK(identification_of(down.bytes) == 0);
}

TEST_CASE("what is odd takes the ordinary way, untouched") {
  for (const char* client : kClients) {
    Stage stage;
    const auto& call = stage.call(client, kPeers[0]);
    const bool ipv4 = call.binding.client.family() == core::Family::ipv4;
    const auto frame = Stage::from_client(call, channel_data(0x4001, "hello, world"));
    check_forwarded(stage, Side::outside, bytes_of(frame));
    const std::vector<Oddities> odd{
        {.wrong_checksum = true},
        {.options = true},
        {.vlan = 7},
        {.udp_length_off_by = 1},
        {.udp_length_off_by = -1},
        {.ip_length_off_by = 1},
        {.ip_length_off_by = -1},
        {.ip_length_off_by = -28},
        {.cut = 1},
        {.cut = 16},
        {.cut = 24},
    };
    for (std::size_t i = 0; i < odd.size(); ++i) {
      INFO(client << ", oddity " << i);
      check_passed(stage, Side::outside, bytes_of(frame, odd[i]));
    }
    if (ipv4) {
      check_passed(stage, Side::outside, bytes_of(frame, {.wrong_header_checksum = true}));
      check_passed(stage, Side::outside, bytes_of(frame, {.fragment = 0x2000}));
      check_passed(stage, Side::outside, bytes_of(frame, {.fragment = 0x0001}));
    }
    CHECK(stage.counts(0).to_peer.packets == 1);
    CHECK(stage.passed(kOffloadPassChecksum) == 1);
  }
}

TEST_CASE("a frame for another machine is none of ours") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  auto frame = Stage::from_client(call, channel_data(0x4001, "hello"));
  frame.to = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  check_passed(stage, Side::outside, bytes_of(frame));
  frame.to = {2, 0, 0, 0, 1, 3};
  check_passed(stage, Side::outside, bytes_of(frame));
}

TEST_CASE("a binding serves its own five-tuple, channel and peer alone") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  const auto up = Stage::from_client(call, channel_data(0x4001, "hello"));
  const auto down = Stage::from_peer(call, "hello");
  const auto other_port = [](const core::SocketAddress& address) {
    return core::SocketAddress(address.ip(), static_cast<std::uint16_t>(address.port() + 1));
  };
  for (int i = 0; i < 2; ++i) {
    auto other = up;
    (i == 0 ? other.source : other.destination) =
        other_port(i == 0 ? other.source : other.destination);
    check_passed(stage, Side::outside, bytes_of(other));
    other = down;
    (i == 0 ? other.source : other.destination) =
        other_port(i == 0 ? other.source : other.destination);
    check_passed(stage, Side::inside, bytes_of(other));
  }
  for (const int number : {0x4000, 0x4002, 0x0001, 0x8001, 0x0000}) {
    auto other = up;
    other.payload = channel_data(static_cast<std::uint16_t>(number), "hello");
    check_passed(stage, Side::outside, bytes_of(other));
  }
  auto stun = up;
  stun.payload = std::string("\x00\x01\x00\x00", 4);
  check_passed(stage, Side::outside, bytes_of(stun));
  for (const char* payload : {"", "x", "xyz"}) { // no ChannelData at all
    auto shorter = up;
    shorter.payload = payload;
    check_passed(stage, Side::outside, bytes_of(shorter));
  }
  auto longer = up;
  longer.payload = channel_data(0x4001, "hello");
  longer.payload.pop_back(); // than what came
  check_passed(stage, Side::outside, bytes_of(longer));
}

TEST_CASE("a peer's payload that looks like ChannelData is a payload") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  const auto down = Stage::from_peer(call, channel_data(0x4001, "hello"));
  check_forwarded(stage, Side::inside, bytes_of(down));
}

TEST_CASE("an expired binding's packets go up, and one that is prolonged is forwarded again") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  const auto up = bytes_of(Stage::from_client(call, channel_data(0x4001, "hello")));
  const auto down = bytes_of(Stage::from_peer(call, "hello"));
  stage.kernel->prolong(0, std::chrono::steady_clock::now());
  check_passed(stage, Side::outside, up);
  check_passed(stage, Side::inside, down);
  CHECK(stage.passed(kOffloadPassExpired) == 2);
  stage.kernel->prolong(0, std::chrono::steady_clock::now() + std::chrono::minutes(1));
  check_forwarded(stage, Side::outside, up);
  check_forwarded(stage, Side::inside, down);
  const auto last = stage.kernel->remove(0, call.binding);
  CHECK(last.to_peer == turnd::Traffic{.packets = 1, .bytes = 5});
  check_passed(stage, Side::outside, up);
  check_passed(stage, Side::inside, down);
  CHECK(stage.passed(kOffloadPassExpired) == 2); // it isn't known any more
}

TEST_CASE("a packet that has come far enough goes up, where it is dropped") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[1]);
  for (const std::uint8_t left : std::array<std::uint8_t, 2>{0, 1}) {
    auto up = Stage::from_client(call, channel_data(0x4001, "hello"));
    up.hop_limit = left;
    check_passed(stage, Side::outside, bytes_of(up));
  }
  CHECK(stage.passed(kOffloadPassHopLimit) == 2);
}

TEST_CASE("what is too long for the way on goes up, to be fragmented or refused there") {
  Stage stage;
  const auto& call = stage.call(kClients[1], "198.51.100.9:5000");
  const auto of = [&](std::size_t size) {
    return bytes_of(Stage::from_client(call, channel_data(0x4001, std::string(size, 'x'))));
  };
  CHECK(stage.run(Side::outside, of(1280 - 28)).action == Action::sent_back);
  check_passed(stage, Side::outside, of(1280 - 28 + 1));
  CHECK(stage.passed(kOffloadPassTooLong) == 1);
}

TEST_CASE("jumbo frames go up, untouched") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  for (const std::size_t size : {1473, 3000, 4100, 8900}) {
    INFO(size);
    const std::string payload(size, 'x');
    check_passed(stage, Side::outside,
                 bytes_of(Stage::from_client(call, channel_data(0x4001, payload))));
    check_passed(stage, Side::inside, bytes_of(Stage::from_peer(call, payload)));
  }
  CHECK(stage.counts(0).to_peer.packets == 0);
}

TEST_CASE("the way that a packet has found holds for those behind it, but not for longer ones") {
  Stage stage;
  const auto& call = stage.call(kClients[1], "198.51.100.9:5000");
  const auto of = [&](std::size_t size) {
    return bytes_of(Stage::from_client(call, channel_data(0x4001, std::string(size, 'x'))));
  };
  for (int i = 0; i < 3; ++i) {
    const auto outcome = stage.run(Side::outside, of(1280 - 28));
    CHECK(outcome.action == Action::sent_back);
    CHECK(frame_of(outcome.bytes)->to == kRouter);
    check_passed(stage, Side::outside, of(1280 - 28 + 1));
  }
  CHECK(stage.passed(kOffloadPassTooLong) == 3);
}

TEST_CASE("without a route or a neighbour the ordinary way finds one") {
  Stage stage;
  const auto& nowhere = stage.call("192.0.2.7:40001", "9.9.9.9:5000");
  check_passed(stage, Side::outside,
               bytes_of(Stage::from_client(nowhere, channel_data(0x4001, "hello"))));
  CHECK(stage.passed(kOffloadPassNoRoute) == 1);
  const auto& silent = stage.call("192.0.2.7:40002", "203.0.113.77:5000");
  check_passed(stage, Side::outside,
               bytes_of(Stage::from_client(silent, channel_data(0x4001, "hello"))));
  CHECK(stage.passed(kOffloadPassNoNeighbour) == 1);
}

TEST_CASE("a binding whose peer is this machine never spins in the kernel") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  auto own = call.binding;
  own.channel = 0x4002;
  own.peer = {*core::IpAddress::parse(kInsideIpv4), 50001};
  REQUIRE(stage.kernel->add(1, own, std::chrono::steady_clock::now() + std::chrono::hours(1)));
  stage.kernel->set_next_ordinary(1, UINT64_MAX);
  check_passed(stage, Side::outside,
               bytes_of(Stage::from_client(call, channel_data(0x4002, "hello"))));
}

TEST_CASE("now and then a packet of each direction takes the ordinary way") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  const auto up = bytes_of(Stage::from_client(call, channel_data(0x4001, "hello")));
  const auto down = bytes_of(Stage::from_peer(call, "hello"));
  stage.kernel->set_next_ordinary(0, 0);
  check_passed(stage, Side::outside, up);
  check_forwarded(stage, Side::outside, up);
  check_passed(stage, Side::inside, down);
  check_forwarded(stage, Side::inside, down);
  CHECK(stage.passed(kOffloadPassOrdinaryTurn) == 2);
}

TEST_CASE("a binding that is there already isn't overwritten, and a full map refuses") {
  Stage stage;
  const auto& call = stage.call(kClients[0], kPeers[0]);
  const auto expires = std::chrono::steady_clock::now() + std::chrono::hours(1);
  CHECK_FALSE(stage.kernel->add(1, call.binding, expires));
  auto same_peer = call.binding; // its second direction is there
  same_peer.channel = 0x4005;
  CHECK_FALSE(stage.kernel->add(1, same_peer, expires));
  same_peer.peer = turn_test::address_of("203.0.113.9:5001");
  CHECK(stage.kernel->add(1, same_peer, expires)); // and nothing of the attempt
}

} // namespace
