#include "rproxyd/http/forwarding.h"

#include <catch2/catch_test_macros.hpp>
#include <initializer_list>
#include <utility>

#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

using Pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

FieldList fields_of(Pairs pairs) {
  FieldList fields;
  for (const auto& [name, value] : pairs) fields.add(name, value);
  return fields;
}

const core::NetworkList& proxies() {
  static const core::NetworkList kList(
      {*core::Network::parse("10.0.0.0/8"), *core::Network::parse("fd00::/8")});
  return kList;
}

ClientIdentity identify(std::string_view peer, Pairs pairs) {
  return identify_client(fields_of(pairs), *core::SocketAddress::parse(peer), true, proxies());
}

// What the backend is sent of these fields, from this peer.
std::string forwarded(std::string_view peer, Pairs pairs) {
  RequestHead head;
  head.authority = "example.com";
  head.fields = fields_of(pairs);
  const auto client =
      identify_client(head.fields, *core::SocketAddress::parse(peer), true, proxies());
  prepare_for_backend(head, client);
  return to_text(head.fields);
}

} // namespace

TEST_CASE(
    "rule 6: hop-by-hop fields and those that Connection names are removed (RFC 9110 7.6.1)") {
  auto fields = fields_of({{"connection", "close, X-One"},
                           {"x-one", "1"},
                           {"keep-alive", "timeout=5"},
                           {"x-two", "2"},
                           {"proxy-connection", "keep-alive"},
                           {"te", "gzip"},
                           {"trailer", "x"},
                           {"upgrade", "h2c"},
                           {"http2-settings", "AAMA"},
                           {"transfer-encoding", "chunked"},
                           {"connection", "x-three"},
                           {"x-three", "3"},
                           {"proxy-authorization", "Basic eDp5"},
                           {"x-one", "4"}});
  remove_hop_by_hop(fields);
  CHECK(to_text(fields) == " x-two=2");
}

TEST_CASE("RFC 7239: on request Forwarded says the same, ports and IPv6 addresses quoted") {
  const auto said = [](std::string_view peer, bool trusted) {
    RequestHead head;
    head.authority = "meet.example.com:8443";
    head.fields.add("forwarded", "for=192.0.2.1");
    ClientIdentity client{
        .peer = *core::SocketAddress::parse(peer), .trusted = trusted, .address = {}};
    client.address = client.peer.ip();
    prepare_for_backend(head, client, true);
    return std::string(head.fields.find("forwarded").value_or("none"));
  };
  CHECK(said("198.51.100.7:1", false) ==
        "for=198.51.100.7;host=\"meet.example.com:8443\";proto=https");
  CHECK(said("[2001:db8::7]:1", false) ==
        "for=\"[2001:db8::7]\";host=\"meet.example.com:8443\";proto=https");
  CHECK(said("10.0.0.1:1", true) ==
        "for=192.0.2.1, for=10.0.0.1;host=\"meet.example.com:8443\";proto=https");
}

TEST_CASE("rule 6: TE crosses as `trailers` alone (RFC 9110 10.1.4)") {
  auto fields = fields_of({{"te", "gzip, Trailers;q=1"}, {"te", "trailers"}});
  remove_hop_by_hop(fields);
  CHECK(to_text(fields) == " te=trailers");
}

TEST_CASE("rule 13: forwarding fields of an untrusted client are replaced") {
  CHECK(forwarded("198.51.100.7:1234", {{"x-forwarded-for", "1.1.1.1"},
                                        {"X-Forwarded-Proto", "http"},
                                        {"x-forwarded-host", "evil"},
                                        {"x-forwarded-port", "1"},
                                        {"x-real-ip", "2.2.2.2"},
                                        {"forwarded", "for=3.3.3.3"},
                                        {"x-forwarded-for", "4.4.4.4"},
                                        {"x_forwarded_for", "5.5.5.5"},
                                        {"a", "b"}}) ==
        " a=b x-forwarded-for=198.51.100.7 x-forwarded-proto=https x-forwarded-host=example.com "
        "x-real-ip=198.51.100.7");
}

TEST_CASE("rule 13: Connection can't name the proxy's own fields away") {
  CHECK(forwarded("198.51.100.7:1234", {{"connection", "x-forwarded-for, x-real-ip, forwarded"},
                                        {"x-forwarded-for", "1.1.1.1"}}) ==
        " x-forwarded-for=198.51.100.7 x-forwarded-proto=https x-forwarded-host=example.com "
        "x-real-ip=198.51.100.7");
}

TEST_CASE("rule 13: a trusted proxy's fields are kept and its address is appended") {
  CHECK(forwarded("10.1.2.3:1234", {{"x-forwarded-for", "1.1.1.1"},
                                    {"x-forwarded-proto", "http"},
                                    {"x-forwarded-host", "outer.example"},
                                    {"x-real-ip", "9.9.9.9"},
                                    {"forwarded", "for=1.1.1.1"},
                                    {"x-forwarded-for", "198.51.100.7"}}) ==
        " x-forwarded-proto=http x-forwarded-host=outer.example x-forwarded-for=1.1.1.1, "
        "198.51.100.7, 10.1.2.3"
        " x-real-ip=198.51.100.7 forwarded=for=1.1.1.1, for=10.1.2.3;proto=https");
  CHECK(forwarded("[fd00::1]:1234", {{"forwarded", "for=1.1.1.1"}}) ==
        " x-forwarded-for=fd00::1 x-forwarded-proto=https x-forwarded-host=example.com "
        "x-real-ip=fd00::1"
        " forwarded=for=1.1.1.1, for=\"[fd00::1]\";proto=https");
}

TEST_CASE("rule 13: the client is the right-most address that is no trusted proxy's") {
  CHECK(identify("198.51.100.7:1", {{"x-forwarded-for", "1.1.1.1"}}).address.to_string() ==
        "198.51.100.7");
  CHECK_FALSE(identify("198.51.100.7:1", {}).trusted);
  CHECK(identify("10.0.0.1:1", {}).address.to_string() == "10.0.0.1");
  CHECK(identify("10.0.0.1:1", {}).trusted);
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "1.1.1.1, 2.2.2.2, 10.0.0.2"}})
            .address.to_string() == "2.2.2.2");
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "1.1.1.1"}, {"x-forwarded-for", "10.9.9.9"}})
            .address.to_string() == "1.1.1.1");
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "10.0.0.3, 10.0.0.2"}}).address.to_string() ==
        "10.0.0.3");
}

TEST_CASE("rule 13: what stands left of an entry that is no address is not believed") {
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "1.1.1.1, unknown, 10.0.0.2"}})
            .address.to_string() == "10.0.0.2");
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "1.1.1.1, 2.2.2.2 3.3.3.3"}})
            .address.to_string() == "10.0.0.1");
}

TEST_CASE("rule 13: entries may have ports and brackets, and IPv4-mapped addresses are IPv4") {
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "1.1.1.1:4711"}}).address.to_string() ==
        "1.1.1.1");
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "[2001:db8::1]:4711"}}).address.to_string() ==
        "2001:db8::1");
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "[2001:db8::1]"}}).address.to_string() ==
        "2001:db8::1");
  CHECK(identify("10.0.0.1:1", {{"x-forwarded-for", "::ffff:1.2.3.4"}}).address.to_string() ==
        "1.2.3.4");
  CHECK(identify("[::ffff:10.0.0.1]:1", {{"x-forwarded-for", "1.1.1.1"}}).address.to_string() ==
        "1.1.1.1");
}

TEST_CASE("an IPv6 address that merely holds a trusted IPv4 one is not trusted") {
  CHECK_FALSE(identify("[64:ff9b::10.0.0.1]:1", {{"x-forwarded-for", "1.1.1.1"}}).trusted);
  CHECK_FALSE(identify("[2002:a00:1::]:1", {{"x-forwarded-for", "1.1.1.1"}}).trusted);
}

TEST_CASE("cookie crumbs become one field (RFC 9113 8.2.3)") {
  CHECK(forwarded(
            "198.51.100.7:1",
            {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", ""}, {"cookie", "c=3"}})
            .starts_with(" x=y cookie=a=1; b=2; c=3 "));
}

TEST_CASE("Proxy is not passed on, which CGI programs would take for HTTP_PROXY") {
  CHECK(forwarded("10.0.0.1:1", {{"Proxy", "http://evil"}}).find("evil") == std::string::npos);
}

TEST_CASE("an answer without Date gets one, another's is kept (RFC 9110 6.6.1)") {
  ResponseHead head;
  prepare_for_client(head, kDate);
  CHECK(to_text(head.fields) == fmt::format(" date={}", kDate));
  prepare_for_client(head, "another");
  CHECK(to_text(head.fields) == fmt::format(" date={}", kDate));
}

TEST_CASE(
    "rule 6: trailers may not frame, route, authenticate, nor say who the client is (RFC 9110 "
    "6.5.1)") {
  for (const auto* name : {"content-length", "transfer-encoding", "host", "connection", "te",
                           "trailer", "authorization", "cookie", "set-cookie", "x-forwarded-for",
                           "x-real-ip", "forwarded", ":status", "x_real_ip", "pin", "token"}) {
    CAPTURE(name);
    CHECK_FALSE(may_be_trailer(name));
  }
  for (const auto* name : {"grpc-status", "x-checksum", "server-timing", "etag"})
    CHECK(may_be_trailer(name));
}

} // namespace rproxyd::test
