#include "turnd/settings/users_file.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/support/given_surroundings.h"
#include "turnd/settings/settings.h"

namespace {

using Lines = std::vector<std::string>;

const std::string kMd5 = "000102030405060708090a0b0c0d0eff";
const std::string kSha256 = kMd5 + "101112131415161718191a1b1c1d1e1F";

std::string entry(const std::string& md5 = kMd5, const std::string& sha256 = kSha256) {
  return R"({ "md5": ")" + md5 + R"(", "sha256": ")" + sha256 + "\" }";
}

struct Read {
  std::optional<turnd::UsersFile> file;
  Lines problems;
};

Lines lines_of(const config::Problems& problems) {
  Lines lines;
  for (const auto& problem : problems) lines.push_back(config::to_string(problem));
  return lines;
}

Read read(const std::string& text, bool world_readable = false) {
  GivenSurroundings surroundings;
  surroundings.files["/users"] = {text, world_readable};
  config::Problems problems;
  auto file = turnd::read_users_file("/users", surroundings, problems);
  return {std::move(file), lines_of(problems)};
}

Lines problems_with_user(const std::string& value) {
  return read("{ \"realm\": \"example.com\",\n\"users\": {\n\"alice\": " + value + " } }").problems;
}

Lines loading(const std::string& credentials, const std::string& users_file) {
  GivenSurroundings surroundings;
  surroundings.files["/turnd.json"] = {
      R"({ "realm": "example.com", "relay": { "addresses": ["127.0.0.1"] },
"listeners": [{ "transport": "udp", "address": "127.0.0.1:0" }],
"credentials": )" +
          credentials + " }",
      false};
  surroundings.files["/users"] = {users_file, false};
  const auto loaded = turnd::load("/turnd.json", surroundings);
  return lines_of(loaded ? loaded->warnings : loaded.error());
}

TEST_CASE("a users file has a realm and a pair of keys for each user, and comes back as written") {
  const auto keys = stun::user_keys("alice", "example.com", "\uFB01ve");
  turnd::UsersFile written{.realm = "example.com", .users = {{"alice", *keys}}};
  written.users.emplace("b\u00F6b\"\\", *stun::user_keys("bob", "example.com", "builder"));
  const auto [file, problems] = read(turnd::to_text(written));
  CHECK(problems == Lines{});
  REQUIRE(file);
  CHECK(file->realm == "example.com");
  REQUIRE(file->users.size() == 2);
  CHECK(file->users.contains("b\u00F6b\"\\"));
  const stun::UserKeys& alice = file->users.at("alice");
  CHECK(std::ranges::equal(alice.md5.bytes(), keys->md5.bytes()));
  REQUIRE(alice.sha256);
  CHECK(std::ranges::equal(alice.sha256->bytes(), keys->sha256->bytes()));
  REQUIRE(alice.md5_saslprep);
  CHECK(std::ranges::equal(alice.md5_saslprep->bytes(), keys->md5_saslprep->bytes()));

  CHECK(read(turnd::to_text({.realm = "example.com", .users = {}})).file);
}

TEST_CASE("what is wrong with a users file is said with its line, and without the key") {
  const std::string at = "/users:3: /users/alice";
  CHECK(problems_with_user(entry()) == Lines{});
  CHECK(problems_with_user(entry("00")) ==
        Lines{at + "/md5: the key has 2 characters; expected 32 hex digits"});
  CHECK(problems_with_user(entry(kMd5, kMd5)) ==
        Lines{at + "/sha256: the key has 32 characters; expected 64 hex digits"});
  CHECK(problems_with_user(entry("0001020304050607 8090a0b0c0d0eff")) ==
        Lines{at + "/md5: the key has something else than hex digits at character 17; expected 32 "
                   "hex digits"});
  CHECK(problems_with_user("{ \"sha256\": \"" + kSha256 + "\" }") ==
        Lines{at + ": \"md5\" is missing"});
  CHECK(problems_with_user(R"({ "password": "x", )" + entry().substr(1)) ==
        Lines{at + "/password: unknown key \"password\"; expected one of \"md5\", \"sha256\", "
                   "\"md5_saslprep\""});
  CHECK(problems_with_user("\"wonder\"").size() == 1);
}

TEST_CASE("users with an MD5 key alone are taken, said, and come back as written") {
  const std::string md5_alone = "{ \"md5\": \"" + kMd5 + "\" }";
  const auto [file, problems] = read(R"({ "realm": "example.com", "users": { "alice": )" + entry() +
                                     ", \"bob\": " + md5_alone + " } }");
  REQUIRE(file);
  CHECK(problems == Lines{"/users: 1 of 2 users, such as \"bob\", has an MD5 key alone, so "
                          "SHA-256 is offered to nobody; expected their passwords once more (turnd "
                          "user add)"});
  CHECK_FALSE(file->users.at("bob").sha256);
  const auto again = read(turnd::to_text(*file));
  REQUIRE(again.file);
  CHECK_FALSE(again.file->users.at("bob").sha256);
  CHECK(again.file->users.at("alice").sha256);
}

TEST_CASE("a user twice, an unknown key, no realm, or a reader too many refuse a users file") {
  const auto twice = read("{ \"realm\": \"r\", \"users\": {\n\"alice\": " + entry() +
                          ",\n\"alice\": " + entry() + " } }");
  CHECK_FALSE(twice.file);
  REQUIRE(twice.problems.size() == 1);
  CHECK(twice.problems[0].starts_with("/users:3: /users/alice: "));
  // The same name, though in other bytes.
  CHECK_FALSE(read("{ \"realm\": \"r\", \"users\": { \"\u00C5\": " + entry() +
                   ", \"A\u030A\": " + entry() + " } }")
                  .file);
  CHECK_FALSE(read(R"({ "realm": "r", "users": {}, "realms": 1 })").file);
  CHECK_FALSE(read(R"({ "users": {} })").file);
  CHECK_FALSE(read("").file);
  const auto open = read(R"({ "realm": "r", "users": {} })", true);
  CHECK_FALSE(open.file);
  CHECK(open.problems == Lines{"/users: can be read by everybody on this machine; expected a file "
                               "that only its owner and group may read (chmod o-r)"});
}

TEST_CASE("turnd.json is refused with what is wrong in its users file") {
  const std::string right =
      "{ \"realm\": \"example.com\", \"users\": { \"alice\": " + entry() + " } }";
  CHECK(loading(R"({ "users_file": "/users" })", right) == Lines{});
  CHECK(loading(R"({ "users_file": "/users" })", "{ \"realm\": \"example.org\", \"users\": {} }") ==
        Lines{"/turnd.json:3: /credentials/users_file: the users file is for the realm "
              "\"example.org\"; expected keys for \"example.com\": they are of no use in another "
              "realm"});
  CHECK(loading(R"({ "users_file": "/users", "users": { "alice": "x" } })", right) ==
        Lines{"/turnd.json:3: /credentials/users_file: the users file has the user \"alice\", as "
              "\"users\" has; expected each user once"});
  CHECK(loading(R"({ "users_file": "/users" })", "{").size() == 2);
  CHECK(loading(R"({ "users_file": "/none" })", right) ==
        Lines{"/none: cannot be read: No such file or directory",
              "/turnd.json:3: /credentials/users_file: the users file can't be used"});
}

TEST_CASE("shared secrets are accepted to the limit of their number, and refused one past it") {
  const auto with = [](int count) {
    std::string list;
    for (int i = 0; i < count; ++i) list += (i == 0 ? "\"" : ", \"") + std::to_string(i) + "\"";
    return loading("{ \"shared_secrets\": [" + list + "] }", "");
  };
  CHECK(with(16) == Lines{});
  CHECK(with(17) == Lines{"/turnd.json:3: /credentials/shared_secrets: 17 shared secrets; expected "
                          "at most 16: each costs work"});
}

TEST_CASE(
    "RFC 8265: names and passwords that no client can send are refused, without the password") {
  CHECK(loading(R"({ "users": { "al\tice": "x" } })", "") ==
        Lines{"/turnd.json:3: /credentials/users/al\\tice: the name holds a character that no "
              "client can send (a control, or unassigned); expected text that RFC 8265 allows in "
              "names and passwords"});
  CHECK(loading(R"({ "users": { "alice": "x\u0007" } })", "") ==
        Lines{"/turnd.json:3: /credentials/users/alice: the password holds a character that no "
              "client can send (a control, or unassigned); expected text that RFC 8265 allows in "
              "names and passwords"});
}

} // namespace
