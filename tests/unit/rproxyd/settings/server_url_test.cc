#include "rproxyd/settings/server_url.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

using rproxyd::is_host_name;
using rproxyd::parse_server;
using rproxyd::Settings;

TEST_CASE("a server is a scheme and a host, and the port is the scheme's own unless it is given") {
  const auto https = parse_server("https://10.40.0.10");
  REQUIRE(https);
  CHECK(https->scheme == Settings::Scheme::https);
  CHECK(https->host == "10.40.0.10");
  CHECK(https->port == 443);
  CHECK(https->authority == "10.40.0.10");

  const auto http = parse_server("http://node.example.com/");
  REQUIRE(http);
  CHECK(http->scheme == Settings::Scheme::http);
  CHECK(http->host == "node.example.com");
  CHECK(http->port == 80);
  CHECK(http->authority == "node.example.com");

  const auto port = parse_server("https://node:8443");
  REQUIRE(port);
  CHECK(port->host == "node");
  CHECK(port->port == 8443);
  CHECK(port->authority == "node:8443");
}

TEST_CASE("an IPv6 address stands in brackets, which are no part of the host") {
  const auto server = parse_server("https://[2001:db8::1]:8443");
  REQUIRE(server);
  CHECK(server->host == "2001:db8::1");
  CHECK(server->port == 8443);
  CHECK(server->authority == "[2001:db8::1]:8443");
  CHECK(parse_server("https://[2001:db8::1]")->port == 443);
}

TEST_CASE("anything else is no server") {
  for (const auto* wrong : {"",
                            "10.40.0.10",
                            "10.40.0.10:443",
                            "//node",
                            "ftp://node",
                            "HTTPS://node",
                            "https:node",
                            "https://",
                            "https:///",
                            "https://node/path",
                            "https://node//",
                            "https://node?x",
                            "https://node#x",
                            "https://user@node",
                            "https://user:secret@node",
                            "https://node:",
                            "https://node:0",
                            "https://node:65536",
                            "https://node:+1",
                            "https://node:443x",
                            "https://:443",
                            "https://[::1",
                            "https://::1",
                            "https://[10.0.0.1]",
                            "https://[::1]443",
                            "https://[]",
                            "https://no de",
                            "https://node\n",
                            "https://10.0.0.256",
                            "https://10.0.0"}) {
    INFO(wrong);
    CHECK_FALSE(parse_server(wrong));
  }
  CHECK(parse_server("https://node:65535")->port == 65535);
  CHECK(parse_server("https://node:1")->port == 1);
}

TEST_CASE("labels have up to 63 bytes and names up to 253 (RFC 1035)") {
  const std::string label(63, 'a');
  CHECK(is_host_name(label));
  CHECK_FALSE(is_host_name(label + "a"));
  const std::string name = label + "." + label + "." + label + "." + std::string(61, 'b');
  REQUIRE(name.size() == 253);
  CHECK(is_host_name(name));
  CHECK_FALSE(is_host_name(name + "b"));
}

TEST_CASE("labels are made of letters, digits, hyphens inside and underscores") {
  CHECK(is_host_name("Node-1.example_2.COM"));
  CHECK(is_host_name("3com.net"));
  for (const auto* wrong : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.b-", "é", "a b", "a*b"}) {
    INFO(wrong);
    CHECK_FALSE(is_host_name(wrong));
  }
}
