#include "libcore/config/parsers.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <map>
#include <string>

#include "tests/unit/libcore/config/reading_a_text.h"

using namespace std::chrono_literals;

namespace {

// Reads {"a": JSON}; what was wrong, without the place, or "".
template <typename Parser>
std::string refusal(const std::string& json, Parser parser) {
  ReadingAText text("{\"a\": " + json + "}");
  const auto parsed = parser(text.only());
  const auto lines = text.lines();
  CHECK(parsed.has_value() == lines.empty());
  if (lines.empty()) return "";
  CHECK(lines.size() == 1);
  const std::string place = "/etc/vestibule/t.json:1: /a: ";
  return lines[0].starts_with(place) ? lines[0].substr(place.size()) : lines[0];
}

template <typename Parser>
auto parsed(const std::string& json, Parser parser) {
  ReadingAText text("{\"a\": " + json + "}");
  auto value = parser(text.only());
  CHECK(text.lines() == Lines{});
  return *value;
}

} // namespace

TEST_CASE("a boolean is true or false") {
  CHECK(parsed("true", config::boolean));
  CHECK_FALSE(parsed("false", config::boolean));
  CHECK(refusal("\"true\"", config::boolean) ==
        "\"true\" is not true or false; expected true or false");
  CHECK(refusal("0", config::boolean) == "0 is not true or false; expected true or false");
}

TEST_CASE("an integer is accepted at both ends of its range, and refused one past them") {
  const auto port = config::integer<std::uint16_t>(1, 65535);
  CHECK(parsed("1", port) == 1);
  CHECK(parsed("65535", port) == 65535);
  CHECK(refusal("0", port) == "0 is too small; expected a whole number from 1 to 65535");
  CHECK(refusal("65536", port) == "65536 is too large; expected a whole number from 1 to 65535");
  CHECK(refusal("-1", port) == "-1 is too small; expected a whole number from 1 to 65535");
  CHECK(refusal("9223372036854775808", port) ==
        "9223372036854775808 is not a whole number; expected a whole number from 1 to 65535");
  CHECK(refusal("1.0", port) ==
        "1.0 is not a whole number; expected a whole number from 1 to 65535");
  CHECK(refusal("\"1\"", port) ==
        "\"1\" is not a whole number; expected a whole number from 1 to 65535");
}

TEST_CASE("text is not empty, not longer than its limit, and holds no control characters") {
  CHECK(parsed("\"é\"", config::text(2)) == "é");
  CHECK(refusal("\"\"", config::text()) == "\"\" is empty; expected text");
  CHECK(parsed("\"abc\"", config::text(3)) == "abc");
  CHECK(refusal("\"abcd\"", config::text(3)) == "the text is 4 bytes long; expected at most 3");
  CHECK(refusal(R"("a\r\nX: y")", config::text()) ==
        "the text holds a control character; expected text without");
  CHECK(refusal("3", config::text()) == "3 is not a string; expected text in quotes");
}

TEST_CASE("a relative path is taken from the folder of the configuration file") {
  CHECK(parsed("\"/a/b\"", config::path) == "/a/b");
  CHECK(parsed("\"b.pem\"", config::path) == "/etc/vestibule/b.pem");
  CHECK(refusal("\"\"", config::path) == "\"\" is empty; expected text");
}

TEST_CASE("a word is one of the choices, else the nearest is suggested") {
  const auto choice = config::choice<int>({{"udp", 1}, {"tcp", 2}, {"dtls", 3}});
  CHECK(parsed("\"tcp\"", choice) == 2);
  CHECK(refusal("\"udq\"", choice) ==
        "\"udq\" is unknown (did you mean \"udp\"?); expected one of \"udp\", \"tcp\", \"dtls\"");
  CHECK(refusal("\"quic\"", choice) ==
        "\"quic\" is unknown; expected one of \"udp\", \"tcp\", \"dtls\"");
  CHECK(refusal("7", choice) == "7 is not a string; expected one of \"udp\", \"tcp\", \"dtls\"");
}

TEST_CASE("a duration is accepted at both ends of its range, and refused one past them") {
  const auto duration = config::duration(1s, 1min);
  CHECK(parsed("\"1000ms\"", duration) == 1s);
  CHECK(parsed("\"1m\"", duration) == 60s);
  CHECK(refusal("\"999ms\"", duration) == "\"999ms\" is too short; expected \"1s\" to \"1m\"");
  CHECK(refusal("\"60001ms\"", duration) == "\"60001ms\" is too long; expected \"1s\" to \"1m\"");
  CHECK(refusal("\"5\"", duration) ==
        "\"5\" is not a duration; expected a whole number with ms, s, m, "
        "h or d, such as \"300s\" or \"5m\"");
  CHECK(refusal("5", duration) ==
        "5 is not a string; expected a duration, such as \"250ms\", "
        "\"300s\", \"5m\" or \"1h\"");
}

TEST_CASE("a size is text with a unit or a number, accepted to its limit and refused one past it") {
  CHECK(parsed("\"64KiB\"", config::size(65536)) == 65536);
  CHECK(parsed("65536", config::size(65536)) == 65536);
  CHECK(refusal("\"65537\"", config::size(65536)) ==
        "\"65537\" is too large; expected \"64KiB\" at most");
  CHECK(refusal("\"64KB\"", config::size(65536)) ==
        "\"64KB\" is not a size; expected a whole number with B, KiB, MiB or GiB, such as "
        "\"64KiB\", or \"0\"");
  CHECK(refusal("-1", config::size(65536)) ==
        "-1 is not a size; expected a whole number with B, KiB, MiB or GiB, such as \"64KiB\", or "
        "\"0\"");
}

TEST_CASE("0 stands for no limit where it may") {
  CHECK(parsed("\"0\"", config::or_none(config::size(10))) == config::kNoLimit);
  CHECK(parsed("0", config::or_none(config::integer(0, 10))) == config::kNoLimit);
  CHECK(parsed("10", config::or_none(config::integer(0, 10))) == 10);
}

TEST_CASE("an IP address has neither port, brackets nor prefix") {
  CHECK(parsed("\"2001:db8::1\"", config::ip_address) == core::IpAddress::parse("2001:db8::1"));
  for (const auto* wrong :
       {"\"10.0.0.256\"", "\"[::1]\"", "\"10.0.0.1:80\"", "\"10.0.0.0/8\"", "\"host\""}) {
    CHECK(
        refusal(wrong, config::ip_address) ==
        std::string(wrong) +
            " is not an IP address; expected \"198.51.100.130\" or \"2001:db8::1\", for instance");
  }
}

TEST_CASE("a socket address is an IP address and a port") {
  CHECK(parsed("\"[::]:443\"", config::listening_address).port() == 443);
  CHECK(parsed("\"127.0.0.1:0\"", config::listening_address).port() == 0);
  for (const auto* wrong : {"\"198.51.100.130:99999\"", "\"198.51.100.130\"", "\"::1:443\"",
                            "\":443\"", "\"localhost:443\"", "\"1.2.3.4:\""}) {
    CHECK(refusal(wrong, config::listening_address) ==
          std::string(wrong) +
              " is not a socket address; expected \"IP:PORT\", such as "
              "\"198.51.100.130:3478\" or \"[2001:db8::1]:3478\"");
  }
}

TEST_CASE("port 0 is for listening only") {
  CHECK(parsed("\"10.0.0.1:1\"", config::remote_address).port() == 1);
  CHECK(refusal("\"10.0.0.1:0\"", config::remote_address) ==
        "\"10.0.0.1:0\" has no port to connect to; expected a port from 1 to 65535");
}

TEST_CASE("a list of networks contains what they contain") {
  const auto list = parsed(R"(["10.40.0.0/24", "2001:db8::1"])", config::network_list);
  CHECK(list.contains(*core::IpAddress::parse("10.40.0.255")));
  CHECK_FALSE(list.contains(*core::IpAddress::parse("10.40.1.0")));
  CHECK(list.contains(*core::IpAddress::parse("2001:db8::1")));
  CHECK(parsed("[]", config::network_list).empty());
  CHECK(refusal("\"any\"", config::network_list) == "a string is not a list; expected [ … ]");
}

TEST_CASE("each element of a list that is wrong is a problem with its own place") {
  ReadingAText text("{\"a\": [\"10.0.0.0/33\",\n\"any\", 5]}");
  CHECK_FALSE(config::network_list(text.only()));
  CHECK(text.lines() ==
        Lines{"/etc/vestibule/t.json:1: /a/0: \"10.0.0.0/33\" is not a network; expected "
              "\"10.40.0.0/24\", \"2001:db8::/32\", an IP address or \"any\"",
              "/etc/vestibule/t.json:2: /a/2: 5 is not a string; expected \"10.40.0.0/24\", "
              "\"2001:db8::/32\", an IP address or \"any\""});
}

TEST_CASE("a list is accepted to its limit, and refused one past it") {
  const auto list = config::list_of(config::boolean, 2);
  CHECK(parsed("[true, false]", list) == std::vector<bool>{true, false});
  CHECK(refusal("[true, true, true]", list) == "the list has 3 elements; expected at most 2");
}

TEST_CASE("a map is accepted to its limit, and refused one past it") {
  const auto map = config::map_of(config::text(), config::boolean, 1);
  CHECK(parsed(R"({"x": true})", map) == std::map<std::string, bool>{{"x", true}});
  CHECK(refusal(R"({"x": true, "y": true})", map) ==
        "the object has 2 members; expected at most 1");
  CHECK(refusal("[]", map) == "an array is not an object; expected { … }");
}

TEST_CASE("two keys of a map that stand for the same are a problem") {
  ReadingAText text("{\"a\": {\"::1\": true,\n\"0::1\": false}}");
  CHECK_FALSE(config::map_of(config::ip_address, config::boolean)(text.only()));
  CHECK(text.lines() ==
        Lines{"/etc/vestibule/t.json:2: /a/0::1: stands for the same as another key"});
}

TEST_CASE("null is nothing where it may stand, and a problem elsewhere") {
  CHECK(parsed("null", config::nullable(config::text())) == std::nullopt);
  CHECK(parsed("\"x\"", config::nullable(config::text())) == "x");
  CHECK(refusal("null", config::text()) == "null is not a string; expected text in quotes");
}

namespace {

template <typename Parser>
auto of_variable(const std::string& value, Parser parser) {
  ReadingAText text(R"({"a": "${V}"})");
  text.surroundings.variables["V"] = value;
  auto result = parser(text.only());
  CHECK(result.has_value() == text.lines().empty());
  return result;
}

} // namespace

TEST_CASE("a variable may stand for true or false, and for a whole number") {
  for (const auto* yes : {"true", "yes", "on", "1"})
    CHECK(of_variable(yes, config::boolean) == true);
  for (const auto* no : {"false", "no", "off", "0"})
    CHECK(of_variable(no, config::boolean) == false);
  for (const auto* neither : {"", "True", "2", "maybe"})
    CHECK_FALSE(of_variable(neither, config::boolean));

  const auto port = config::integer(0, 65535);
  CHECK(of_variable("0", port) == 0);
  CHECK(of_variable("65535", port) == 65535);
  for (const auto* wrong : {"", "65536", "-1", "1 2", "0x10", "99999999999999999999", " 1"})
    CHECK_FALSE(of_variable(wrong, port));
}

TEST_CASE("a variable may stand for a list, whose elements are not expanded again") {
  const auto texts = config::list_of(config::text(), 3);
  CHECK(of_variable("a, b", texts) == Lines{"a", "b"});
  CHECK(of_variable("${V}", texts) == Lines{"${V}"});
  CHECK(of_variable("", texts) == Lines{});
  CHECK(of_variable("a b c", texts));
  CHECK_FALSE(of_variable("a b c d", texts));
}

TEST_CASE("an element of such a list is shown in its problem, with the list's place") {
  ReadingAText text("{\n\"a\": \"${V}\"}");
  text.surroundings.variables["V"] = "10.0.0.1, hunter2";
  CHECK_FALSE(config::list_of(config::ip_address)(text.only()));
  CHECK(text.lines() ==
        Lines{"/etc/vestibule/t.json:2: /a/1: \"hunter2\" is not an IP address; expected "
              "\"198.51.100.130\" or \"2001:db8::1\", for instance"});
}

TEST_CASE("a variable may stand for an object") {
  const auto map = config::map_of(config::text(), config::integer(0, 9));
  const auto found = of_variable("a=1, b=2", map);
  REQUIRE(found);
  CHECK(*found == std::map<std::string, int>{{"a", 1}, {"b", 2}});
  CHECK_FALSE(of_variable("a", map));
  CHECK_FALSE(of_variable("a=x", map));
}

TEST_CASE("a string without a variable stands for nothing but text") {
  CHECK(refusal("\"a, b\"", config::list_of(config::text())) ==
        "a string is not a list; expected [ … ]");
  CHECK(refusal("\"7\"", config::integer(0, 9)) ==
        "\"7\" is not a whole number; expected a whole number from 0 to 9");
}

TEST_CASE("of whatever kind it should be, a variable that is not set is the problem") {
  const std::string problem = "the environment variable UNSET is not set; expected the nodes";
  const std::string json = "\"${UNSET:?the nodes}\"";
  CHECK(refusal(json, config::list_of(config::text())) == problem);
  CHECK(refusal(json, config::map_of(config::text(), config::text())) == problem);
  CHECK(refusal(json, config::boolean) == problem);
  CHECK(refusal(json, config::integer(0, 9)) == problem);
  CHECK(refusal(json, config::ip_address) == problem);
  CHECK(refusal(json, config::network_list) == problem);
}
