#include "turnd/relay/behaviour_discovery.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using stun::Attribute;

constexpr std::uint8_t kChangeIp = 4;
constexpr std::uint8_t kChangePort = 2;

std::vector<turnd::UdpListenerAddress> listeners(std::initializer_list<const char*> texts) {
  std::vector<turnd::UdpListenerAddress> list;
  for (const char* text : texts) list.push_back({address_of(text), address_of(text)});
  return list;
}

Options two_by_two() {
  Options options;
  options.udp_listeners = listeners(
      {"198.51.100.130:3478", "198.51.100.130:3479", "198.51.100.131:3478", "198.51.100.131:3479"});
  return options;
}

Client::Fill change(std::uint8_t flags) {
  return [flags](auto& m) { m.add_u32(Attribute::change_request, flags); };
}

core::SocketAddress address_in(const Scene::Result& result, Attribute type) {
  REQUIRE(result.is_success());
  const auto value = result.answer->message().find(type);
  REQUIRE(value);
  return required(stun::decode_address(*value));
}

Scene::Result ask(Scene& scene, const Client::Fill& fill = [](auto&) {}) {
  Client client("", "");
  return scene.feed(client, client.unsigned_request(stun::Method::binding, fill));
}

TEST_CASE("RFC 5780 6.1: two addresses times two ports are told of") {
  Scene scene(two_by_two());
  const auto result = ask(scene);
  CHECK(result.answer->address(Attribute::xor_mapped_address) == address_of("192.0.2.7:40000"));
  CHECK(address_in(result, Attribute::response_origin) == address_of("198.51.100.130:3478"));
  CHECK(address_in(result, Attribute::other_address) == address_of("198.51.100.131:3479"));
  CHECK_FALSE(result.from_other_listener);
}

TEST_CASE("RFC 5780 6.1: CHANGE-REQUEST makes the answer leave from where it asks for") {
  Scene scene(two_by_two());
  const auto origin = [&](std::uint8_t flags) {
    const auto result = ask(scene, change(flags));
    CHECK(result.from_other_listener == (flags != 0));
    CHECK(result.five_tuple->server == address_in(result, Attribute::response_origin));
    CHECK(address_in(result, Attribute::other_address) == address_of("198.51.100.131:3479"));
    CHECK(result.five_tuple->client == address_of("192.0.2.7:40000"));
    return result.five_tuple->server.to_string();
  };
  CHECK(origin(0) == "198.51.100.130:3478");
  CHECK(origin(kChangePort) == "198.51.100.130:3479");
  CHECK(origin(kChangeIp) == "198.51.100.131:3478");
  CHECK(origin(kChangeIp | kChangePort) == "198.51.100.131:3479");
}

TEST_CASE("RFC 5780 6.1: without two times two listeners the requests' attributes are unknown") {
  for (const auto& set :
       {listeners({"198.51.100.130:3478"}),
        listeners({"198.51.100.130:3478", "198.51.100.131:3478", "198.51.100.130:3479"}),
        listeners({"198.51.100.130:3478", "198.51.100.131:3479"}),
        listeners({"198.51.100.130:3478", "198.51.100.130:3479", "[2001:db8::1]:3478",
                   "[2001:db8::1]:3479"})}) {
    Options options;
    options.udp_listeners = set;
    Scene scene(options);
    CHECK(ask(scene, change(0)).error() == 420);
    const auto plain = ask(scene);
    REQUIRE(plain.is_success());
    CHECK_FALSE(plain.answer->has(Attribute::other_address));
    CHECK_FALSE(plain.answer->has(Attribute::response_origin));
  }
}

TEST_CASE("RFC 5780 6.1: discovery is for UDP alone") {
  Scene scene(two_by_two());
  Client client("", "");
  for (const auto transport :
       {turnd::Transport::tcp, turnd::Transport::tls, turnd::Transport::dtls}) {
    client.five_tuple.transport = transport;
    CHECK(scene.feed(client, client.unsigned_request(stun::Method::binding, change(0))).error() ==
          420);
  }
}

TEST_CASE("wildcard listeners form no set: an answer could not leave from the other one") {
  Options options;
  options.udp_listeners =
      listeners({"0.0.0.0:3478", "0.0.0.0:3479", "198.51.100.130:3478", "198.51.100.130:3479"});
  Scene scene(options);
  CHECK(ask(scene, change(0)).error() == 420);
}

TEST_CASE(
    "behind a static NAT the outer addresses are told, and answers leave from the inner ones") {
  Options options = two_by_two();
  for (auto& listener : options.udp_listeners) {
    auto outer = listener.own.ip();
    outer.octets[0] = 203;
    listener.advertised = {outer, listener.own.port()};
  }
  Scene scene(options);
  const auto result = ask(scene, change(kChangeIp));
  CHECK(address_in(result, Attribute::response_origin) == address_of("203.51.100.131:3478"));
  CHECK(address_in(result, Attribute::other_address) == address_of("203.51.100.131:3479"));
  CHECK(result.five_tuple->server == address_of("198.51.100.131:3478"));
}

TEST_CASE("RFC 5780 7.5: RESPONSE-PORT sends the answer to another port of the same client") {
  Scene scene(two_by_two());
  const auto to_port = [](std::uint32_t value) {
    return [value](auto& m) { m.add_u32(Attribute::response_port, value); };
  };
  const auto result = ask(scene, to_port(5000U << 16));
  REQUIRE(result.is_success());
  CHECK(result.five_tuple->client == address_of("192.0.2.7:5000"));
  CHECK(result.answer->address(Attribute::xor_mapped_address) == address_of("192.0.2.7:40000"));
  CHECK(ask(scene, to_port(0)).error() == 400);
}

TEST_CASE("RFC 5780 7.6: PADDING is answered with PADDING, but not to another port") {
  Scene scene(two_by_two());
  const std::vector<std::uint8_t> zeros(1480);
  const auto result = ask(scene, [&](auto& m) { m.add(Attribute::padding, zeros); });
  REQUIRE(result.is_success());
  CHECK(result.answer->all(Attribute::padding).at(0).size() > 1400);
  CHECK(ask(scene, [&](auto& m) {
          m.add(Attribute::padding, zeros);
          m.add_u32(Attribute::response_port, 5000U << 16);
        }).error() == 400);
}

TEST_CASE("rule 35: an answer with PADDING is never longer than its request") {
  Scene scene(two_by_two());
  for (const std::size_t size : {0, 1, 40, 44, 100, 1000, 1500, 1600, 1900}) {
    const std::vector<std::uint8_t> zeros(size);
    Client client("", "");
    const auto request = client.unsigned_request(
        stun::Method::binding, [&](auto& m) { m.add(Attribute::padding, zeros); });
    const auto result = scene.feed(client, request);
    REQUIRE(result.to_client);
    const std::size_t bare = 20 + 3 * 12;
    CHECK(result.to_client->size() <= std::max(bare, request.size()));
    CHECK(result.to_client->size() <= bare + 4 + turnd::kMaxPadding);
  }
}

TEST_CASE("rule 35: with all three addresses an answer is about twice its request on the wire") {
  Scene scene(two_by_two());
  Client client("", "");
  const auto request = client.unsigned_request(stun::Method::binding);
  const auto result = scene.feed(client, request);
  CHECK(result.to_client->size() + 28 <= 2 * (request.size() + 28));
}

TEST_CASE("RFC 5780 7.2: a CHANGE-REQUEST of a wrong length is 400") {
  Scene scene(two_by_two());
  CHECK(ask(scene, [](auto& m) { m.add_text(Attribute::change_request, "ab"); }).error() == 400);
}

} // namespace
