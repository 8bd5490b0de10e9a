#include "turnd/relay/authentication.h"

#include <catch2/catch_test_macros.hpp>

#include "libcore/stun/time_limited.h"
#include "tests/support/turn/scene.h"

namespace {

using namespace turn_test; // NOLINT(google-build-using-namespace)
using std::chrono::seconds;
using stun::Attribute;

TEST_CASE("rule 11: without MESSAGE-INTEGRITY the answer is 401 with realm and nonce") {
  Scene scene;
  Client alice("alice", "wonder");
  for (const auto method : {stun::Method::allocate, stun::Method::refresh,
                            stun::Method::create_permission, stun::Method::channel_bind}) {
    const auto result = scene.feed(alice, alice.unsigned_request(method));
    CHECK(result.error() == 401);
    CHECK(result.answer->text(Attribute::realm) == "example.com");
    CHECK(result.answer->text(Attribute::nonce).starts_with("obMatJos2"));
  }
}

TEST_CASE("rule 11: MESSAGE-INTEGRITY without USERNAME, REALM or NONCE is 400") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  for (const auto missing : {Attribute::username, Attribute::realm, Attribute::nonce}) {
    const auto request =
        alice.message(stun::Method::allocate, stun::Class::request, [&](stun::MessageBuilder& m) {
          Client::udp()(m);
          if (missing != Attribute::username) m.add_text(Attribute::username, "alice");
          if (missing != Attribute::realm) m.add_text(Attribute::realm, alice.realm);
          if (missing != Attribute::nonce) m.add_text(Attribute::nonce, alice.nonce);
          m.sign(alice.key().bytes());
        });
    const auto result = scene.feed(alice, request);
    CHECK(result.error() == 400);
    CHECK_FALSE(result.answer->has(Attribute::nonce));
  }
}

TEST_CASE("rule 11: a stale nonce is 438 with a new one, and the allocation stays") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice, Client::lifetime(3600)).is_success());
  scene.pass(seconds(601));
  const auto stale = scene.request(alice, stun::Method::refresh);
  CHECK(stale.error() == 438);
  CHECK(stale.answer->text(Attribute::realm) == "example.com");
  CHECK(stale.answer->text(Attribute::nonce) != alice.nonce);
  CHECK(scene.server.allocation_count() == 1);
  alice.learn(*stale.answer);
  CHECK(scene.request(alice, stun::Method::refresh).is_success());
}

TEST_CASE("rule 11: a nonce made up is 438 too") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  alice.nonce = "obMatJos2AAAAthisisnotanonceofours";
  CHECK(scene.request(alice, stun::Method::allocate, Client::udp()).error() == 438);
}

TEST_CASE("rule 11: unknown user and wrong password get the same 401") {
  Scene scene;
  Client nobody("mallory", "wonder");
  Client wrong("alice", "wander");
  auto one = scene.allocate(nobody);
  auto two = scene.allocate(wrong);
  CHECK(one.error() == 401);
  CHECK(two.error() == 401);
  CHECK(one.answer->bytes().size() == two.answer->bytes().size());
  CHECK(one.answer->has(Attribute::nonce));
  CHECK(two.answer->has(Attribute::nonce));
}

TEST_CASE("a realm that is not ours is 401") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  alice.realm = "example.org";
  CHECK(scene.request(alice, stun::Method::allocate, Client::udp()).error() == 401);
}

TEST_CASE("a username longer than RFC 8489 14.3 allows is 400") {
  for (const std::size_t size : {508, 509}) {
    Scene scene;
    Client somebody(std::string(size, 'a'), "x");
    CHECK(scene.allocate(somebody).error() == (size == 508 ? 401 : 400));
  }
}

TEST_CASE(
    "rule 12: 401 and 438 carry no integrity, every answer to an authenticated request does") {
  Scene scene;
  Client alice("alice", "wonder");
  const auto challenge = scene.feed(alice, alice.unsigned_request(stun::Method::allocate));
  CHECK_FALSE(challenge.answer->message().integrity_offset());
  alice.learn(*challenge.answer);

  const auto is_signed = [&](const Scene::Result& result) {
    return stun::has_valid_integrity(result.answer->message(), alice.key().bytes());
  };
  CHECK(is_signed(scene.request(alice, stun::Method::allocate))); // 400
  CHECK(is_signed(scene.request(alice, stun::Method::refresh)));  // 437
  CHECK(is_signed(scene.allocate(alice)));
  CHECK(is_signed(scene.request(alice, stun::Method::create_permission, // 403
                                Client::peers({"127.0.0.1:1"}))));
  CHECK(is_signed(scene.request(alice, stun::Method::channel_bind, // 420
                                [](auto& m) { m.add(Attribute::connection_id, {}); })));
}

TEST_CASE("rule 13: another username on an existing allocation is 441") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  Client bob("bob", "builder"); // on the same five-tuple
  scene.challenge(bob);
  CHECK(scene.request(bob, stun::Method::refresh, Client::lifetime(0)).error() == 441);
  CHECK(scene.request(bob, stun::Method::create_permission, Client::peers({"203.0.113.9:1"}))
            .error() == 441);
  CHECK(scene.request(bob, stun::Method::channel_bind, Client::channel(0x4000, "203.0.113.9:1"))
            .error() == 441);
  CHECK(scene.request(bob, stun::Method::allocate, Client::udp()).error() == 441);
  CHECK(scene.server.allocation_count() == 1);
}

TEST_CASE("rule 15: nothing behind MESSAGE-INTEGRITY counts") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  auto request = alice.request(stun::Method::refresh, Client::lifetime(700));
  const Buffer zero_lifetime{0x00, 0x0d, 0x00, 0x04, 0, 0, 0, 0};
  request.insert(request.end(), zero_lifetime.begin(), zero_lifetime.end());
  core::store16(request.data() + 2, static_cast<std::uint16_t>(request.size() - 20));
  const auto result = scene.feed(alice, request);
  REQUIRE(result.is_success());
  CHECK(result.answer->u32(Attribute::lifetime) == 700);
}

TEST_CASE(
    "rule 15: FINGERPRINT is answered with FINGERPRINT, as the last; a wrong one is no STUN") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  auto request =
      alice.message(stun::Method::allocate, stun::Class::request, Client::udp(), true, true);
  const auto result = scene.feed(alice, request);
  REQUIRE(result.is_success());
  CHECK(result.answer->message().fingerprint_offset() == result.to_client->size() - 8);
  CHECK(stun::fingerprint_is_right_or_absent(result.answer->message()));

  request.back() ^= 1;
  CHECK(scene.feed(alice, request).dropped == turnd::DropReason::not_turn);
}

TEST_CASE("RFC 8489 9.2.4: 401 and 438 offer SHA-256 and MD5, and the nonce says that they do") {
  Scene scene;
  Client alice("alice", "wonder");
  const auto challenge = scene.feed(alice, alice.unsigned_request(stun::Method::allocate));
  alice.learn(*challenge.answer);
  CHECK(alice.offered == Buffer{0, 2, 0, 0, 0, 1, 0, 0});
  CHECK(alice.nonce.starts_with("obMatJos2wAAD")); // password algorithms, username anonymity

  scene.pass(seconds(601));
  const auto stale = scene.request(alice, stun::Method::allocate, Client::udp());
  CHECK(stale.error() == 438);
  CHECK(stale.answer->has(Attribute::password_algorithms));
}

TEST_CASE("RFC 8489 9.2.4: each algorithm that was offered lets in, and the answer is SHA-256's") {
  for (const auto algorithm : {stun::PasswordAlgorithm::md5, stun::PasswordAlgorithm::sha256}) {
    for (const bool hides_name : {false, true}) {
      Scene scene;
      Client alice("alice", "wonder");
      alice.algorithm = algorithm;
      alice.hides_name = hides_name;
      const auto allocated = scene.allocate(alice);
      REQUIRE(allocated.is_success());
      const stun::Message& answer = allocated.answer->message();
      CHECK(stun::has_valid_integrity_sha256(answer, alice.key().bytes()));
      CHECK_FALSE(answer.integrity_offset());
      const auto refused = scene.request(alice, stun::Method::channel_bind); // 400
      CHECK(stun::has_valid_integrity_sha256(refused.answer->message(), alice.key().bytes()));
      CHECK(scene.request(alice, stun::Method::refresh, Client::lifetime(0)).is_success());
      CHECK(scene.server.allocation_count() == 0);
    }
  }
}

TEST_CASE("RFC 5389: a client that names no algorithm is taken for MD5 and answered with SHA-1") {
  Scene scene;
  Client alice("alice", "wonder");
  const auto allocated = scene.allocate(alice);
  REQUIRE(allocated.is_success());
  CHECK(stun::has_valid_integrity(allocated.answer->message(), alice.key().bytes()));
  CHECK_FALSE(allocated.answer->message().integrity_sha256_offset());
}

// A request whose credential is the test's to spoil.
Scene::Result spoilt(Scene& scene, Client& client, const Client::Fill& credential,
                     const std::function<void(stun::MessageBuilder&)>& sign) {
  if (client.nonce.empty()) scene.challenge(client);
  return scene.feed(client, client.message(stun::Method::allocate, stun::Class::request,
                                           [&](stun::MessageBuilder& m) {
                                             Client::udp()(m);
                                             credential(m);
                                             sign(m);
                                           }));
}

TEST_CASE("rule 14: an offer that doesn't come back as it was is 400: someone makes it worse") {
  const auto refused = [](const std::optional<Buffer>& list, const std::optional<Buffer>& chosen) {
    Scene scene;
    Client alice("alice", "wonder");
    scene.challenge(alice);
    const auto result = spoilt(
        scene, alice,
        [&](stun::MessageBuilder& m) {
          alice.add_credential(m);
          if (list) m.add(Attribute::password_algorithms, *list);
          if (chosen) m.add(Attribute::password_algorithm, *chosen);
        },
        [&](stun::MessageBuilder& m) { m.sign_sha256(alice.key().bytes()); });
    return result.error();
  };
  const Buffer both{0, 2, 0, 0, 0, 1, 0, 0};
  const Buffer md5{0, 1, 0, 0};
  CHECK(refused(both, md5) == 0);
  CHECK(refused(std::nullopt, std::nullopt) == 0);
  CHECK(refused(both, std::nullopt) == 400);
  CHECK(refused(std::nullopt, md5) == 400);
  CHECK(refused(md5, md5) == 400);                                        // SHA-256 was taken away
  CHECK(refused(Buffer{0, 1, 0, 0, 0, 2, 0, 0}, md5) == 400);             // another order
  CHECK(refused(Buffer{0, 2, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0}, md5) == 400); // one more
  CHECK(refused(both, Buffer{0, 3, 0, 0}) == 400);                        // never offered
  CHECK(refused(both, Buffer{0, 1, 0, 4, 0, 0, 0, 0}) == 400);            // parameters
}

TEST_CASE("rule 14: nobody can take the promise out of the nonce") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  alice.nonce.replace(9, 4, "AAAA");
  CHECK(scene.request(alice, stun::Method::allocate, Client::udp()).error() == 438);
}

TEST_CASE("RFC 8489 9.2.4: a name and its hash together, or a hash of another size, are 400") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  const auto with = [&](const Client::Fill& name) {
    return spoilt(
               scene, alice,
               [&](stun::MessageBuilder& m) {
                 name(m);
                 m.add_text(Attribute::realm, alice.realm);
                 m.add_text(Attribute::nonce, alice.nonce);
               },
               [&](stun::MessageBuilder& m) { m.sign(alice.key().bytes()); })
        .error();
  };
  const auto hash = stun::userhash_of("alice", "example.com");
  CHECK(with([&](auto& m) {
          m.add_text(Attribute::username, "alice");
          m.add(Attribute::userhash, hash);
        }) == 400);
  CHECK(with([&](auto& m) { m.add(Attribute::userhash, core::Bytes(hash).first(31)); }) == 400);
  CHECK(with([](auto&) {}) == 400);
  CHECK(with([&](auto& m) { m.add(Attribute::userhash, hash); }) == 0);
}

TEST_CASE("rule 11: an unknown USERHASH is 401 like an unknown name") {
  Scene scene;
  Client mallory("mallory", "wonder");
  mallory.algorithm = stun::PasswordAlgorithm::sha256;
  mallory.hides_name = true;
  CHECK(scene.allocate(mallory).error() == 401);
}

TEST_CASE("RFC 8489 14.6: TURN doesn't allow MESSAGE-INTEGRITY-SHA256 to be cut") {
  for (const std::size_t size : {16U, 28U, 32U}) {
    Scene scene;
    Client alice("alice", "wonder");
    alice.algorithm = stun::PasswordAlgorithm::sha256;
    scene.challenge(alice);
    auto whole = alice.request(stun::Method::allocate, Client::udp());
    const auto covered = core::Bytes(whole).first(whole.size() - 36);
    const auto value = stun::integrity_sha256_of(covered, alice.key().bytes(), size);
    whole.resize(covered.size() + 4 + size);
    core::store16(whole.data() + 2, static_cast<std::uint16_t>(whole.size() - 20));
    core::store16(whole.data() + whole.size() - size - 2, static_cast<std::uint16_t>(size));
    std::copy_n(value.begin(), size, whole.end() - static_cast<std::ptrdiff_t>(size));
    CHECK(scene.feed(alice, whole).error() == (size == 32 ? 0 : 401));
  }
}

TEST_CASE("with both integrities, the one counts that the client is answered with") {
  // Without an algorithm the client may not know SHA-256's rules (RFC 8489 section 9.2.4).
  Scene scene;
  Client old("alice", "wonder", "192.0.2.7:40001");
  const auto answer = spoilt(
      scene, old, [&](stun::MessageBuilder& m) { old.add_credential(m); },
      [&](stun::MessageBuilder& m) {
        m.sign(old.key().bytes());
        m.sign_sha256(old.key().bytes());
      });
  REQUIRE(answer.is_success());
  CHECK(stun::has_valid_integrity(answer.answer->message(), old.key().bytes()));

  Client strict("alice", "wonder", "192.0.2.7:40002");
  strict.algorithm = stun::PasswordAlgorithm::sha256;
  const auto worse = spoilt(
      scene, strict, [&](stun::MessageBuilder& m) { strict.add_credential(m); },
      [&](stun::MessageBuilder& m) {
        m.sign(strict.key().bytes());
        m.sign_sha256(core::bytes_of("not the key"));
      });
  CHECK(worse.error() == 401);
}

TEST_CASE("rule 17: of repeated attributes the first counts") {
  Scene scene;
  Client alice("alice", "wonder");
  const auto result = spoilt(
      scene, alice,
      [&](stun::MessageBuilder& m) {
        alice.add_credential(m);
        m.add_text(Attribute::username, "bob");
        m.add_text(Attribute::realm, "example.org");
        m.add_text(Attribute::nonce, "none");
      },
      [&](stun::MessageBuilder& m) { m.sign(alice.key().bytes()); });
  CHECK(result.is_success());
}

// Like a client that prepares names as RFC 5389 has it.
Client sasl(const char* prepared_name, const char* prepared_password, const char* address) {
  return {prepared_name, prepared_password, address};
}

TEST_CASE("rule 17: names and passwords are prepared; a client may have done it either way") {
  Options options;
  options.users = {{"A\u030Ake", "sm\u00F6rg\u00E5s"}, {"\uFB01nn", "\u2168"}};
  Scene scene(options);
  Client normal("\u00C5ke", "sm\u00F6rg\u00E5s", "192.0.2.7:40001");
  CHECK(scene.allocate(normal).is_success());
  normal.hides_name = true;
  CHECK(scene.request(normal, stun::Method::refresh).is_success());

  Client opaque("\uFB01nn", "\u2168", "192.0.2.7:40002");
  CHECK(scene.allocate(opaque).is_success());
  Client older = sasl("finn", "IX", "192.0.2.7:40003");
  CHECK(scene.allocate(older).is_success());
  CHECK(scene.request(older, stun::Method::refresh).is_success());
  Client neither("finn", "\u2168", "192.0.2.7:40004");
  CHECK(scene.allocate(neither).error() == 401);
  Client newer = sasl("finn", "IX", "192.0.2.7:40005"); // RFC 8489 has OpaqueString alone
  newer.algorithm = stun::PasswordAlgorithm::sha256;
  CHECK(scene.allocate(newer).error() == 401);
}

TEST_CASE("rule 17: a name that isn't UTF-8 is nobody's") {
  Scene scene;
  Client broken("\xff\xfe", "x");
  CHECK(scene.allocate(broken).error() == 401);
}

TEST_CASE("users of a file, of whom only the keys are known, log in with either algorithm") {
  Options options;
  options.stored_users = {{"carol", *stun::user_keys("carol", "example.com", "sing")}};
  Scene scene(options);
  Client md5("carol", "sing", "192.0.2.7:40001");
  Client sha256("carol", "sing", "192.0.2.7:40002");
  sha256.algorithm = stun::PasswordAlgorithm::sha256;
  Client wrong("carol", "song", "192.0.2.7:40003");
  CHECK(scene.allocate(md5).is_success());
  CHECK(scene.allocate(sha256).is_success());
  CHECK(scene.allocate(wrong).error() == 401);
}

stun::UserKeys md5_alone(const char* name, const char* password) {
  return {.md5 = stun::long_term_key_md5(name, "example.com", password),
          .sha256 = std::nullopt,
          .md5_saslprep = std::nullopt};
}

TEST_CASE(
    "RFC 8489 9.2.4: while a user has an MD5 key alone, no algorithms are offered, and the nonce "
    "says so") {
  Options options;
  options.stored_users = {{"carol", md5_alone("carol", "sing")}};
  Scene scene(options);
  Client carol("carol", "sing", "192.0.2.7:40001");
  const auto challenge = scene.feed(carol, carol.unsigned_request(stun::Method::allocate));
  CHECK_FALSE(challenge.answer->has(Attribute::password_algorithms));
  CHECK(challenge.answer->text(Attribute::nonce).starts_with("obMatJos2QAAC")); // anonymity alone
  const auto allocated = scene.allocate(carol);
  REQUIRE(allocated.is_success());
  CHECK(stun::has_valid_integrity(allocated.answer->message(), carol.key().bytes()));

  Client others("alice", "wonder", "192.0.2.7:40002"); // go on as clients of RFC 5389
  CHECK(scene.allocate(others).is_success());
  Client wrong("carol", "song", "192.0.2.7:40003");
  CHECK(scene.allocate(wrong).error() == 401);
}

TEST_CASE("a user with an MD5 key alone is nobody to who signs with SHA-256, with any key") {
  Scene scene;
  Client carol("carol", "sing");
  carol.algorithm = stun::PasswordAlgorithm::sha256;
  scene.challenge(carol); // with a nonce that promises both
  scene.server.set_credentials(std::make_shared<turnd::Credentials>(
      "example.com", std::map<std::string, core::Secret>{}, std::vector<core::Secret>{},
      std::map<std::string, stun::UserKeys>{{"carol", md5_alone("carol", "sing")}}));
  const auto refused = [&](core::Bytes key) {
    const auto result = spoilt(
        scene, carol, [&](stun::MessageBuilder& m) { carol.add_credential(m); },
        [&](stun::MessageBuilder& m) { m.sign_sha256(key); });
    return result.error();
  };
  CHECK(refused(carol.key().bytes()) == 401);
  CHECK(refused(stun::Key().bytes()) == 401);                 // the key that there isn't
  CHECK(refused(stun::Key(stun::Userhash{}).bytes()) == 401); // all zero
}

std::string name_expiring_at(core::WallTime when, const char* user) {
  return std::to_string(when.time_since_epoch().count()) + ":" + user;
}

Client with_secret(const std::string& secret, const std::string& username,
                   const char* address = "192.0.2.7:40000") {
  const auto password = stun::time_limited_password(core::Secret(secret), username);
  return {username, std::string(password.reveal()), address};
}

TEST_CASE("rule 16: time-limited credentials of any of the secrets work beside fixed users") {
  Options options;
  options.shared_secrets = {"new secret", "old secret"};
  Scene scene(options);
  const auto name = name_expiring_at(scene.now.wall + seconds(60), "carol");
  Client by_new = with_secret("new secret", name, "192.0.2.7:40001");
  Client by_old = with_secret("old secret", name, "192.0.2.7:40002");
  Client by_none = with_secret("no secret", name, "192.0.2.7:40003");
  Client alice("alice", "wonder", "192.0.2.7:40004");
  CHECK(scene.allocate(by_new).is_success());
  CHECK(scene.allocate(by_old).is_success());
  CHECK(scene.allocate(by_none).error() == 401);
  CHECK(scene.allocate(alice).is_success());
}

TEST_CASE(
    "rule 16: a time-limited password may be made with SHA-256, with either key and integrity") {
  Options options;
  options.shared_secrets = {"another", "secret"};
  Scene scene(options);
  const auto name = name_expiring_at(scene.now.wall + seconds(60), "carol");
  const auto password =
      stun::time_limited_password(core::Secret("secret"), name, stun::Integrity::sha256);
  Client old(name, std::string(password.reveal()), "192.0.2.7:40001");
  CHECK(scene.allocate(old).is_success());
  Client newer(name, std::string(password.reveal()), "192.0.2.7:40002");
  newer.algorithm = stun::PasswordAlgorithm::sha256;
  CHECK(scene.allocate(newer).is_success());
}

TEST_CASE("rule 16: after its expiry a credential allocates nothing, and keeps what it has") {
  Options options;
  options.shared_secrets = {"secret"};
  Scene scene(options);
  const auto name = name_expiring_at(scene.now.wall + seconds(60), "carol");
  Client early = with_secret("secret", name, "192.0.2.7:40001");
  Client late = with_secret("secret", name, "192.0.2.7:40002");
  REQUIRE(scene.allocate(early).is_success());
  scene.pass(seconds(60));
  CHECK(scene.allocate(late).error() == 401);
  CHECK(scene.request(early, stun::Method::refresh).is_success());
}

TEST_CASE(
    "RFC 8489 9.2.1: with shared secrets no anonymity is promised: no hash finds their names") {
  Options options;
  options.shared_secrets = {"secret"};
  Scene scene(options);
  const auto name = name_expiring_at(scene.now.wall + seconds(60), "carol");
  Client carol = with_secret("secret", name);
  carol.algorithm = stun::PasswordAlgorithm::sha256;
  CHECK(scene.allocate(carol).is_success());
  CHECK(carol.nonce.starts_with("obMatJos2gAAB"));
}

TEST_CASE("without a shared secret a time-limited name is nobody") {
  Scene scene;
  Client carol = with_secret("", name_expiring_at(scene.now.wall + seconds(60), "carol"));
  CHECK(scene.allocate(carol).error() == 401);
}

TEST_CASE("rule 16: a new credential is no new allowance: the quota counts the user behind it") {
  Options options;
  options.shared_secrets = {"secret"};
  options.allocations_per_user = 1;
  Scene scene(options);
  Client one = with_secret("secret", name_expiring_at(scene.now.wall + seconds(60), "carol"),
                           "192.0.2.7:40001");
  Client two = with_secret("secret", name_expiring_at(scene.now.wall + seconds(61), "carol"),
                           "192.0.2.7:40002");
  CHECK(scene.allocate(one).is_success());
  CHECK(scene.allocate(two).error() == 486);
}

TEST_CASE("new credentials don't cut those who are there") {
  Scene scene;
  Client alice("alice", "wonder");
  REQUIRE(scene.allocate(alice).is_success());
  scene.server.set_credentials(std::make_shared<turnd::Credentials>(
      "example.com", std::map<std::string, core::Secret>{}, std::vector<core::Secret>{}));
  CHECK(scene.request(alice, stun::Method::refresh).is_success());
  Client again("alice", "wonder", "192.0.2.7:40001");
  CHECK(scene.allocate(again).error() == 401);
}

TEST_CASE("new credentials don't make old nonces stale, though they promised something else") {
  Scene scene;
  Client alice("alice", "wonder");
  scene.challenge(alice);
  std::vector<core::Secret> secrets;
  secrets.emplace_back("secret");
  scene.server.set_credentials(std::make_shared<turnd::Credentials>(
      "example.com", std::map<std::string, core::Secret>{{"alice", core::Secret("wonder")}},
      std::move(secrets)));
  CHECK(scene.allocate(alice).is_success());
}

TEST_CASE("an owner who hides behind a hash keeps what it has, too, when it is no user any more") {
  Scene scene;
  Client alice("alice", "wonder");
  alice.algorithm = stun::PasswordAlgorithm::sha256;
  alice.hides_name = true;
  REQUIRE(scene.allocate(alice).is_success());
  scene.server.set_credentials(std::make_shared<turnd::Credentials>(
      "example.com", std::map<std::string, core::Secret>{}, std::vector<core::Secret>{}));
  CHECK(scene.request(alice, stun::Method::refresh).is_success());
}

TEST_CASE("time-limited names are an expiry, with or without a user") {
  using stun::parse_time_limited_name;
  CHECK(parse_time_limited_name("1800000000:carol")->user == "carol");
  CHECK(parse_time_limited_name("1800000000:a:b")->user == "a:b");
  CHECK(parse_time_limited_name("1800000000")->user.empty());
  CHECK(parse_time_limited_name("1800000000")->expiry == core::WallTime(seconds(1800000000)));
  for (const char* text : {"", ":", "carol", "12x:carol", "-1:carol", " 1:carol", "+1:carol",
                           "99999999999999999999:carol"}) {
    CHECK_FALSE(parse_time_limited_name(text));
  }
}

// HMAC-SHA1 over the name, in base64: checked with openssl dgst -sha1 -hmac.
TEST_CASE("a time-limited password is base64(HMAC-SHA1(secret, username))") {
  const auto password = stun::time_limited_password(core::Secret("north"), "1433895918:dfe4d9");
  CHECK(password.reveal() == "2LFKNKX+MoqiPO/KxUuFZPxU/nc=");
  const auto longer = stun::time_limited_password(core::Secret("north"), "1433895918:dfe4d9",
                                                  stun::Integrity::sha256);
  CHECK(longer.reveal() == "lJP3nyGbEy9Z+GAzSqef42AwPVvOICrO4smN856kN18=");
}

} // namespace
