// Two clients of one server, each on a network that loses, repeats and reorders what it carries, in
// virtual time: what they agree on through retransmissions holds, and data that arrives is right.
#include <catch2/catch_test_macros.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::milliseconds;
using std::chrono::seconds;
using stun::Attribute;

class Network {
 public:
  explicit Network(std::uint64_t seed) : random_(seed) {}

  // When a datagram arrives: once, twice or never.
  std::vector<core::Duration> deliveries() {
    const std::uint32_t fate = random_.below(100);
    if (fate < 25) return {};
    std::vector<core::Duration> all{delay()};
    if (fate >= 90) all.push_back(delay());
    return all;
  }
  SeededRandom& random() { return random_; }

 private:
  core::Duration delay() { return milliseconds(1 + random_.below(300)); }
  SeededRandom random_;
};

// Events in order of their time.
class World {
 public:
  World(Scene& scene, Network& network) : scene_(scene), network_(network) {}

  void after(core::Duration delay, std::function<void()> event) {
    events_.emplace(scene_.now.steady + delay, std::move(event));
  }
  void carry(std::function<void()> arrival) {
    for (const core::Duration delay : network_.deliveries()) after(delay, arrival);
  }
  bool step() {
    if (events_.empty()) return false;
    const auto first = events_.begin();
    const auto event = std::move(first->second);
    const core::TimePoint when = first->first;
    events_.erase(first);
    scene_.pass(when - scene_.now.steady);
    event();
    return true;
  }
  core::TimePoint now() const { return scene_.now.steady; }

 private:
  Scene& scene_;
  Network& network_;
  std::multimap<core::TimePoint, std::function<void()>> events_;
};

// A client that says one thing after the other, each until it is answered.
class Talker {
 public:
  Talker(Scene& scene, World& world, Client client)
      : scene_(scene), world_(world), client_(std::move(client)) {}

  void ask(stun::Method method, Client::Fill fill, std::function<void(const Received&)> then) {
    method_ = method;
    fill_ = std::move(fill);
    then_ = std::move(then);
    request_ = client_.message(method_, stun::Class::request, fill_, !client_.nonce.empty());
    ++question_;
    send(0);
  }
  void say(const Buffer& datagram) {
    world_.carry([this, datagram] { deliver(datagram); });
  }
  void hear(const Scene::Result& result) {
    if (!result.to_client) return;
    world_.carry([this, bytes = *result.to_client] { receive(bytes); });
  }

  Client& client() { return client_; }
  core::SocketAddress relayed;
  std::vector<std::string> heard;
  std::function<void(const SentToPeer&)> towards_peer;

 private:
  void send(int attempt) {
    REQUIRE(attempt < 60);
    say(request_);
    world_.after(milliseconds(500), [this, attempt, question = question_] {
      if (question == question_ && then_) send(attempt + 1);
    });
  }
  void deliver(const Buffer& datagram) {
    const auto result = scene_.feed(client_, datagram);
    if (result.to_peer) towards_peer(*result.to_peer);
    hear(result);
  }
  void receive(const Buffer& bytes) {
    if (const auto data = stun::parse_channel_data(bytes)) {
      heard.emplace_back(core::text_of(data->payload));
      return;
    }
    const Received received(bytes);
    REQUIRE(received.is_stun());
    if (received.message().method() == stun::Method::data) {
      heard.push_back(received.text(Attribute::data));
      return;
    }
    if (!then_ || received.message().transaction_id() != client_.last_transaction()) return;
    const bool asked_again = received.error() == 401 || received.error() == 438;
    if (asked_again) {
      client_.learn(received);
      return ask(method_, fill_, std::exchange(then_, nullptr));
    }
    REQUIRE(received.is_success());
    std::exchange(then_, nullptr)(received);
  }

  Scene& scene_;
  World& world_;
  Client client_;
  stun::Method method_{};
  Client::Fill fill_;
  Buffer request_;
  std::function<void(const Received&)> then_;
  int question_ = 0;
};

TEST_CASE("two clients meet over networks that lose, repeat and reorder") {
  constexpr int kMessages = 40;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    Scene scene;
    Network network(seed);
    World world(scene, network);
    Talker alice(scene, world, Client("alice", "wonder", "192.0.2.7:40000"));
    Talker bob(scene, world, Client("bob", "builder", "192.0.2.8:40000"));
    std::map<std::string, turnd::RelayId> relays; // by address
    const auto across = [&](Talker& from) {
      return [&](const SentToPeer& sent) {
        const auto there = relays.find(sent.peer.to_string());
        if (there == relays.end()) return;
        const turnd::RelayId relay = there->second;
        Talker& to = &from == &alice ? bob : alice;
        world.carry([&scene, &to, &from, relay, payload = sent.payload] {
          to.hear(scene.feed_peer(relay, from.relayed.to_string().c_str(), payload));
        });
      };
    };
    alice.towards_peer = across(alice);
    bob.towards_peer = across(bob);

    const auto when_both = [](std::function<void()> then) {
      return [ready = std::make_shared<int>(0), then = std::move(then)] {
        if (++*ready == 2) then();
      };
    };
    const auto both_talk = when_both([&] {
      for (Talker* talker : {&alice, &bob}) {
        for (int i = 0; i < kMessages; ++i) {
          world.after(milliseconds(20) * i, [talker, i] {
            talker->say(Client::channel_data(0x4001, "message " + std::to_string(i)));
          });
        }
      }
    });
    const auto both_bind = when_both([&] {
      for (auto [one, other] : {std::pair(&alice, &bob), std::pair(&bob, &alice)}) {
        one->ask(stun::Method::channel_bind,
                 Client::channel(0x4001, other->relayed.to_string().c_str()),
                 [&](const Received&) { both_talk(); });
      }
    });
    for (Talker* talker : {&alice, &bob}) {
      talker->ask(stun::Method::allocate, Client::udp(), [&, talker](const Received& answer) {
        talker->relayed = required(answer.address(Attribute::xor_relayed_address));
        for (const auto& open : scene.opened) relays[open.address.to_string()] = open.relay;
        both_bind();
      });
    }
    while (world.step() && world.now() < Scene::start() + seconds(300)) {
    }

    CHECK(scene.server.allocation_count() == 2);
    CHECK(scene.opened.size() == 2); // no retransmission made a second one
    for (const Talker* talker : {&alice, &bob}) {
      CHECK(talker->heard.size() > kMessages / 8);
      for (const std::string& text : talker->heard) CHECK(text.starts_with("message "));
    }
    scene.pass(seconds(3600));
    CHECK(scene.server.allocation_count() == 0);
    CHECK(scene.server.relay_count() == 0);
    CHECK(scene.quota.taken() == 0);
  }
}

} // namespace
