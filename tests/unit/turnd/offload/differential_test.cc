// The same random traffic for the program in the kernel and for turnd's core: whatever the program
// forwards, the core would have sent, byte for byte.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/turnd/offload/stage.h"

namespace {

using namespace offload_test; // NOLINT(google-build-using-namespace)

class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t limit) { return (random_.next() >> 16) % limit; }
  bool once_in(std::uint64_t times) { return below(times) == 0; }

  std::string payload() {
    constexpr std::size_t kLengths[] = {0, 1, 2, 3, 4, 5, 60, 172, 512, 1100, 1201, 1400};
    std::string payload(once_in(2) ? kLengths[below(std::size(kLengths))] : below(1401), '\0');
    for (char& c : payload) c = static_cast<char>(once_in(4) ? 0xff : below(256));
    return payload;
  }
  std::string client_payload() {
    constexpr std::uint16_t kChannels[] = {0x4000, 0x4002, 0x7fff, 0x0001, 0x8000};
    std::string bytes =
        channel_data(once_in(10) ? kChannels[below(std::size(kChannels))] : 0x4001, payload());
    if (once_in(5)) bytes += std::string(below(6), once_in(4) ? 'p' : '\0');
    if (once_in(20)) bytes.resize(bytes.size() - std::min<std::size_t>(bytes.size(), below(5)));
    return bytes;
  }
  std::uint8_t hop_limit() {
    return static_cast<std::uint8_t>(once_in(10) ? below(3) : below(256));
  }
  Oddities oddities() {
    Oddities odd;
    if (once_in(10)) odd.no_checksum = true;
    if (once_in(20)) odd.wrong_checksum = true;
    if (once_in(40)) odd.wrong_header_checksum = true;
    if (once_in(40)) odd.options = true;
    if (once_in(40)) odd.udp_length_off_by = static_cast<int>(below(9)) - 4;
    if (once_in(40)) odd.ip_length_off_by = static_cast<int>(below(9)) - 4;
    if (once_in(40)) odd.fragment = static_cast<std::uint16_t>(below(0x4000));
    if (once_in(40)) odd.cut = below(20);
    if (once_in(40)) odd.vlan = static_cast<std::uint16_t>(below(4096));
    if (once_in(20)) odd.trailer = below(20);
    return odd;
  }

 private:
  turn_test::SeededRandom random_;
};

TEST_CASE("whatever the kernel forwards of random traffic, the core would have sent") {
  Stage stage;
  stage.call("192.0.2.7:40000", "203.0.113.9:5000");
  stage.call("192.0.2.8:40000", "[2001:db8:9::9]:5000");
  stage.call("[2001:db8:c::7]:40000", "203.0.113.8:5000");
  stage.call("[2001:db8:c::8]:40000", "[2001:db8:9::7]:5000");
  Traffic traffic(20'700);
  std::size_t forwarded = 0;
  std::size_t core_alone = 0;
  constexpr int kFrames = 20'000;
  for (int i = 0; i < kFrames; ++i) {
    const auto& call = *stage.calls[traffic.below(stage.calls.size())];
    const bool up = traffic.once_in(2);
    Frame frame = up ? Stage::from_client(call, traffic.client_payload())
                     : Stage::from_peer(call, traffic.payload());
    frame.traffic_class = static_cast<std::uint8_t>(traffic.below(256));
    frame.hop_limit = traffic.hop_limit();
    frame.dont_fragment = traffic.once_in(2);
    if (traffic.once_in(50)) frame.source = frame.source.with_port(9);
    const Oddities odd = traffic.oddities();
    const Buffer received = bytes_of(frame, odd);

    const auto outcome = stage.run(up ? Side::outside : Side::inside, received);
    INFO("frame " << i);
    const auto expected = stage.core_of(without_trailer(received));
    if (outcome.action == Outcome::Action::pass) {
      CHECK(outcome.bytes == received);
      if (expected) ++core_alone;
      continue;
    }
    REQUIRE(outcome.action == Outcome::Action::redirected);
    auto sent = frame_of(outcome.bytes);
    REQUIRE(sent);
    REQUIRE(expected);
    sent->to = sent->from = {};
    sent->checksum = 0;
    REQUIRE(*sent == *expected);
    ++forwarded;
  }
  INFO(forwarded << " forwarded, " << core_alone << " by the core alone");
  CHECK(forwarded > kFrames / 2);
  CHECK(core_alone < kFrames / 20); // odd padding, for one
  CHECK(core_alone > 0);
}

} // namespace
