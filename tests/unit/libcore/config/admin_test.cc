#include "libcore/config/admin.h"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/libcore/config/reading_a_text.h"

namespace {

struct AdminOfAText : ReadingAText {
  explicit AdminOfAText(std::string_view text) : ReadingAText(text) {
    surroundings.files["/etc/vestibule/token"] = {"0123456789abcdef\n", false};
    config::read_admin(root(), admin);
  }
  // What was found wrong, without the place.
  std::vector<std::string> found() const {
    std::vector<std::string> all;
    for (const auto& problem : problems)
      all.push_back(problem.place.pointer + ": " + problem.found);
    return all;
  }
  config::Admin admin;
};

std::vector<std::string> found_in(std::string_view text) { return AdminOfAText(text).found(); }

constexpr auto kLetsAllIn = " can be reached from other machines, and whoever reaches it is let in";

} // namespace

TEST_CASE("on loopback nobody need prove anything") {
  for (const auto* address :
       {"127.0.0.1:1", "127.255.255.255:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    const AdminOfAText read(std::string(R"({"address": ")") + address + "\"}");
    CHECK(read.problems.empty());
    CHECK_FALSE(read.admin.is_closed());
  }
}

TEST_CASE("an address that others can reach takes a token or the authorities of clients") {
  for (const std::string address : {"0.0.0.0:1", "[::]:1", "128.0.0.1:1", "[::2]:1"}) {
    const std::string start = R"({"address": ")" + address + "\"";
    CHECK(found_in(start + "}") ==
          Lines{"/address: \"" + address + "\"" + std::string(kLetsAllIn)});
    CHECK(found_in(start + R"(, "tls": {"certificates": ["c.pem"]}})") ==
          Lines{"/address: \"" + address + "\"" + std::string(kLetsAllIn)});
    CHECK(found_in(start + R"(, "token_file": "token"})") ==
          Lines{"/address: the token crosses the network unencrypted"});
    CHECK(found_in(start + R"(, "token_file": "token", "tls": {"certificates": ["c.pem"]}})")
              .empty());
    CHECK(found_in(start + R"(, "tls": {"certificates": ["c.pem"], "client_ca_file": "ca.pem"}})")
              .empty());
  }
}

TEST_CASE("a token is long enough not to be guessed, and no problem shows it") {
  AdminOfAText read(R"({"token_file": "token"})");
  CHECK(read.admin.token.reveal() == "0123456789abcdef");
  CHECK(read.admin.is_closed());
  const AdminOfAText short_one(R"({"token": "0123456789abcde"})");
  CHECK(short_one.found() == Lines{"/token: the token is shorter than 16 bytes"});
  CHECK_FALSE(short_one.lines().front().contains("0123456789abcde"));
  CHECK(found_in(R"({"address": "10.0.0.1:1", "token": "short"})").front() ==
        "/token: the token is shorter than 16 bytes");
}

TEST_CASE("names are hosts in lower case, and HTTPS needs a certificate") {
  CHECK(AdminOfAText(R"({"names": ["Proxy.Example.com"]})").admin.names ==
        Lines{"proxy.example.com"});
  CHECK(found_in(R"({"names": ["a:1"]})") == Lines{"/names/0: \"a:1\" is not a host name"});
  CHECK(found_in(R"({"tls": {"certificates": []}})") ==
        Lines{"/tls/certificates: the list is empty"});
}
