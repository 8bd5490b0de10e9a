// Third-party authorization (RFC 7635) as the server sees it.
#include <openssl/aead.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;

const std::string kServer = "turn.example.com";
const std::string kNorth = "12345678901234567890123456789012";
const std::string kSouth = "abcdefghabcdefghabcdefghabcdefgh";

// What an authorization server does.
Buffer token(const std::string& key, core::Bytes mac_key, core::WallTime made,
             std::uint32_t lifetime, const std::string& server = kServer) {
  Buffer block(2 + mac_key.size() + 8 + 4);
  core::ByteWriter writer(block);
  writer.u16(static_cast<std::uint16_t>(mac_key.size()));
  writer.bytes(mac_key);
  const auto time = static_cast<std::uint64_t>(made.time_since_epoch().count()) << 16;
  writer.u32(static_cast<std::uint32_t>(time >> 32));
  writer.u32(static_cast<std::uint32_t>(time));
  writer.u32(lifetime);

  Buffer value(2 + 12 + block.size() + 16);
  value[1] = 12;
  bssl::ScopedEVP_AEAD_CTX context;
  std::size_t size = 0;
  const core::Bytes secret = core::bytes_of(key);
  const core::Bytes name = core::bytes_of(server);
  REQUIRE(EVP_AEAD_CTX_init(context.get(), EVP_aead_aes_256_gcm(), secret.data(), secret.size(),
                            EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr) == 1);
  REQUIRE(EVP_AEAD_CTX_seal(context.get(), value.data() + 14, &size, value.size() - 14,
                            value.data() + 2, 12, block.data(), block.size(), name.data(),
                            name.size()) == 1);
  return value;
}

const Buffer kMacKey(20, 0x5a);

struct ThirdParty {
  Scene scene{options()};
  Client client{"", ""};

  static Options options() {
    Options options;
    turnd::ThirdParty party{.server_name = kServer, .keys = {}};
    party.keys.push_back({"north", stun::TokenAlgorithm::a256gcm, core::Secret(kNorth)});
    party.keys.push_back({"south", stun::TokenAlgorithm::a256gcm, core::Secret(kSouth)});
    options.third_party = std::move(party);
    return options;
  }

  // `token` empty: without one.
  Scene::Result request(stun::Method method, const char* key_id, const Buffer& token,
                        core::Bytes mac_key, const Client::Fill& more = Client::udp()) {
    if (client.nonce.empty()) scene.challenge(client);
    return scene.feed(client,
                      client.message(method, stun::Class::request, [&](stun::MessageBuilder& m) {
                        more(m);
                        m.add_text(Attribute::username, key_id);
                        m.add_text(Attribute::realm, client.realm);
                        m.add_text(Attribute::nonce, client.nonce);
                        if (!token.empty()) m.add(Attribute::access_token, token);
                        m.sign(mac_key);
                      }));
  }
  Scene::Result allocate(const Buffer& token, const char* key_id = "north") {
    return request(stun::Method::allocate, key_id, token, kMacKey,
                   Client::udp_and(Client::lifetime(3600)));
  }
  Buffer fresh(std::uint32_t lifetime = 7200) const {
    return token(kNorth, kMacKey, scene.now.wall, lifetime);
  }
};

TEST_CASE("RFC 7635 6.1: a 401 names the authorization server, and promises no anonymity") {
  ThirdParty t;
  const auto result = t.scene.feed(t.client, t.client.unsigned_request(stun::Method::allocate));
  CHECK(result.error() == 401);
  CHECK(result.answer->text(Attribute::third_party_authorization) == kServer);
  CHECK(result.answer->text(Attribute::nonce).starts_with("obMatJos2gAAB"));
}

TEST_CASE("RFC 7635 7: a token lets in, and its key signs the answer and what comes after") {
  ThirdParty t;
  const auto result = t.allocate(t.fresh());
  REQUIRE(result.is_success());
  CHECK(stun::has_valid_integrity(result.answer->message(), kMacKey));
  CHECK(t.request(stun::Method::create_permission, "north", {}, kMacKey,
                  Client::peers({"203.0.113.9:1"}))
            .is_success());
  CHECK(t.request(stun::Method::create_permission, "north", {}, Buffer(20, 1),
                  Client::peers({"203.0.113.9:1"}))
            .error() == 401);
}

TEST_CASE("RFC 7635 7: a token of another key, server or name, or a signature of another, is 401") {
  ThirdParty t;
  const auto now = t.scene.now.wall;
  CHECK(t.allocate(token(kSouth, kMacKey, now, 600)).error() == 401);
  CHECK(t.allocate(token(kNorth, kMacKey, now, 600, "turn.example.org")).error() == 401);
  CHECK(t.allocate(t.fresh(), "south").error() == 401);
  CHECK(t.allocate(t.fresh(), "west").error() == 401);
  CHECK(t.allocate(token(kNorth, Buffer(20, 1), now, 600)).error() == 401);
  CHECK(t.allocate(Buffer(40)).error() == 401);
  CHECK(t.allocate({}).error() == 401);
  CHECK(t.scene.server.allocation_count() == 0);
}

TEST_CASE("RFC 7635 7: a token counts from its timestamp to its end, with 5 s for the clocks") {
  const auto at = [](seconds made_before, std::uint32_t lifetime) {
    ThirdParty t;
    return t.allocate(token(kNorth, kMacKey, t.scene.now.wall - made_before, lifetime)).error();
  };
  CHECK(at(seconds(-5), 600) == 0);
  CHECK(at(seconds(-6), 600) == 401);
  CHECK(at(seconds(604), 600) == 0);
  CHECK(at(seconds(605), 600) == 401);
}

TEST_CASE("RFC 7635 9: no allocation outlasts its token, and a newer token prolongs it") {
  ThirdParty t;
  CHECK(t.allocate(t.fresh(100)).answer->u32(Attribute::lifetime) == 100);
  t.scene.pass(seconds(60));
  const auto without =
      t.request(stun::Method::refresh, "north", {}, kMacKey, Client::lifetime(3600));
  CHECK(without.answer->u32(Attribute::lifetime) == 40);

  const Buffer other_mac(20, 0x33);
  const auto newer = token(kSouth, other_mac, t.scene.now.wall, 1000);
  const auto with =
      t.request(stun::Method::refresh, "south", newer, other_mac, Client::lifetime(3600));
  REQUIRE(with.is_success());
  CHECK(with.answer->u32(Attribute::lifetime) == 1000);
  CHECK(t.request(stun::Method::refresh, "north", {}, kMacKey).error() == 401); // replaced
  CHECK(t.request(stun::Method::refresh, "south", {}, other_mac).is_success());
}

TEST_CASE("a token doesn't open a user's allocation, nor a user a token's") {
  ThirdParty t;
  Client alice("alice", "wonder");
  REQUIRE(t.scene.allocate(alice).is_success());
  CHECK(
      t.request(stun::Method::refresh, "north", t.fresh(), kMacKey, Client::lifetime(0)).error() ==
      441);
  CHECK(t.scene.server.allocation_count() == 1);

  ThirdParty other;
  REQUIRE(other.allocate(other.fresh()).is_success());
  other.scene.challenge(alice);
  CHECK(other.scene.request(alice, stun::Method::refresh, Client::lifetime(0)).error() == 441);
}

TEST_CASE("users log in as ever where tokens are taken") {
  ThirdParty t;
  Client alice("alice", "wonder");
  CHECK(t.scene.allocate(alice).is_success());
}

TEST_CASE("without the switch a token is nothing, and nobody is named") {
  Scene scene;
  Client client("north", "x");
  const auto challenge = scene.feed(client, client.unsigned_request(stun::Method::allocate));
  CHECK_FALSE(challenge.answer->has(Attribute::third_party_authorization));
  client.learn(*challenge.answer);
  CHECK(scene
            .request(client, stun::Method::allocate,
                     [&](auto& m) {
                       Client::udp()(m);
                       m.add(Attribute::access_token, token(kNorth, kMacKey, scene.now.wall, 600));
                     })
            .error() == 401);
}

} // namespace
