#include "libcore/config/parsers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libcore/config/suggest.h"
#include "libcore/config/units.h"
#include "libcore/config/words.h"

namespace config {

namespace {

// The patterns take all that is taken, and more: they are for editors. So do variables.
constexpr const char* kIpPattern = "^[0-9a-fA-F:.]+$";
constexpr const char* kSocketAddressPattern = "^.+:[0-9]{1,5}$";
constexpr const char* kNetworkPattern = "^(any|[0-9a-fA-F:.]+(/[0-9]{1,3})?)$";

} // namespace

std::optional<bool> boolean(const Value& value) {
  if (value.tells(Shape::of(Shape::Kind::boolean))) return std::nullopt;
  if (value.lacks_variable()) return std::nullopt;
  if (value.node().kind == Node::Kind::boolean) return value.node().boolean;
  if (const auto text = value.variable_text()) {
    if (is_yes(*text)) return true;
    if (is_no(*text)) return false;
  }
  value.refuse("is not true or false", "true or false");
  return std::nullopt;
}

std::optional<std::string> text_up_to(const Value& value, std::size_t most) {
  if (value.tells(Shape::text("", "."))) {
    value.asked()->most = most == kMaxTextBytes ? 0 : static_cast<std::int64_t>(most);
    return std::nullopt;
  }
  auto found = value.text("text in quotes");
  if (!found) return std::nullopt;
  if (found->empty()) {
    value.refuse("is empty", "text");
    return std::nullopt;
  }
  if (found->size() > most) {
    value.error(fmt::format("the text is {} bytes long", found->size()),
                fmt::format("at most {}", most));
    return std::nullopt;
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(*found, is_control)) {
    value.error("the text holds a control character", "text without"); // may be a secret in a URL
    return std::nullopt;
  }
  return found;
}

std::optional<std::string> text_or_word(const Value& value,
                                        std::initializer_list<std::string_view> words) {
  auto found = text_up_to(value, kMaxTextBytes);
  if (Shape* shape = value.asked()) shape->words.assign(words.begin(), words.end());
  return found;
}

std::optional<std::string> path(const Value& value) {
  if (value.tells(Shape::text("path", "."))) return std::nullopt;
  auto found = text_up_to(value, kMaxTextBytes);
  if (!found || found->starts_with('/')) return found;
  const auto& file = value.reading().document.file();
  const auto slash = file.rfind('/');
  return slash == std::string::npos ? *found : file.substr(0, slash + 1) + *found;
}

std::optional<core::IpAddress> ip_address(const Value& value) {
  constexpr std::string_view kExpected = "\"198.51.100.130\" or \"2001:db8::1\", for instance";
  if (value.tells(Shape::text("IP address", kIpPattern))) return std::nullopt;
  const auto found = value.text(kExpected);
  if (!found) return std::nullopt;
  const auto ip = core::IpAddress::parse(*found);
  if (!ip) value.refuse("is not an IP address", std::string(kExpected));
  return ip;
}

std::optional<core::SocketAddress> listening_address(const Value& value) {
  constexpr std::string_view kExpected =
      "\"IP:PORT\", such as \"198.51.100.130:3478\" or \"[2001:db8::1]:3478\"";
  if (value.tells(Shape::text("address", kSocketAddressPattern))) return std::nullopt;
  const auto found = value.text(kExpected);
  if (!found) return std::nullopt;
  const auto address = core::SocketAddress::parse(*found);
  if (!address) value.refuse("is not a socket address", std::string(kExpected));
  return address;
}

std::optional<core::SocketAddress> remote_address(const Value& value) {
  const auto address = listening_address(value);
  if (address && address->port() == 0) {
    value.refuse("has no port to connect to", "a port from 1 to 65535");
    return std::nullopt;
  }
  return address;
}

std::optional<core::NetworkList> network_list(const Value& value) {
  const auto network = [](const Value& element) -> std::optional<core::Network> {
    constexpr std::string_view kExpected =
        "\"10.40.0.0/24\", \"2001:db8::/32\", an IP address or \"any\"";
    if (element.tells(Shape::text("network", kNetworkPattern))) return std::nullopt;
    const auto found = element.text(kExpected);
    if (!found) return std::nullopt;
    const auto parsed = core::Network::parse(*found);
    if (!parsed) element.refuse("is not a network", std::string(kExpected));
    return parsed;
  };
  auto networks = list_of(network)(value);
  if (!networks) return std::nullopt;
  return core::NetworkList(*std::move(networks));
}

namespace {

std::optional<std::int64_t> whole_number(const Value& value) {
  if (value.node().kind == Node::Kind::integer) return value.node().integer;
  const auto text = value.variable_text();
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

} // namespace

std::optional<std::int64_t> integer_between(const Value& value, std::int64_t least,
                                            std::int64_t most) {
  if (value.tells(Shape::between(Shape::Kind::integer, least, most))) return std::nullopt;
  if (value.lacks_variable()) return std::nullopt;
  auto expected = fmt::format("a whole number from {} to {}", least, most);
  const auto found = whole_number(value);
  if (!found) {
    value.refuse("is not a whole number", std::move(expected));
    return std::nullopt;
  }
  const auto number = *found;
  if (number < least || number > most) {
    value.refuse(number < least ? "is too small" : "is too large", std::move(expected));
    return std::nullopt;
  }
  return number;
}

std::optional<core::Duration> duration_between(const Value& value, core::Duration least,
                                               core::Duration most) {
  if (value.tells(Shape::of(Shape::Kind::duration))) {
    value.asked()->shortest = least;
    value.asked()->longest = most;
    return std::nullopt;
  }
  const auto found = value.text("a duration, such as \"250ms\", \"300s\", \"5m\" or \"1h\"");
  if (!found) return std::nullopt;
  const auto duration = parse_duration(*found);
  if (!duration) {
    value.refuse("is not a duration",
                 "a whole number with ms, s, m, h or d, such as \"300s\" or \"5m\"");
    return std::nullopt;
  }
  if (*duration < least || *duration > most) {
    value.refuse(*duration < least ? "is too short" : "is too long",
                 fmt::format("\"{}\" to \"{}\"", to_text(least), to_text(most)));
    return std::nullopt;
  }
  return duration;
}

std::optional<std::uint64_t> size_up_to(const Value& value, std::uint64_t most) {
  constexpr std::string_view kExpected =
      "a whole number with B, KiB, MiB or GiB, such as \"64KiB\", or \"0\"";
  if (value.tells(Shape::between(Shape::Kind::size, 0, static_cast<std::int64_t>(most))))
    return std::nullopt;
  std::optional<std::uint64_t> size;
  if (value.node().kind == Node::Kind::integer) {
    if (value.node().integer >= 0) size = static_cast<std::uint64_t>(value.node().integer);
  } else {
    const auto found = value.text(kExpected);
    if (!found) return std::nullopt;
    size = parse_size(*found);
  }
  if (!size) {
    value.refuse("is not a size", std::string(kExpected));
    return std::nullopt;
  }
  if (*size > most) {
    value.refuse("is too large", fmt::format("\"{}\" at most", size_to_text(most)));
    return std::nullopt;
  }
  return size;
}

std::optional<std::size_t> chosen(const Value& value, std::span<const std::string_view> words) {
  if (value.tells(Shape::of(Shape::Kind::word))) {
    value.asked()->words.assign(words.begin(), words.end());
    return std::nullopt;
  }
  auto expected = words.size() == 1 ? fmt::format("\"{}\"", words.front())
                                    : fmt::format("one of \"{}\"", fmt::join(words, "\", \""));
  const auto found = value.text(expected);
  if (!found) return std::nullopt;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == *found) return i;
  }
  const auto meant = nearest(*found, words);
  value.refuse(meant ? fmt::format("is unknown (did you mean \"{}\"?)", *meant) : "is unknown",
               std::move(expected));
  return std::nullopt;
}

bool is_list(const Value& value, std::size_t most) {
  if (value.tells(Shape::between(Shape::Kind::list, 0, static_cast<std::int64_t>(most))))
    return false;
  if (value.lacks_variable()) return false;
  if (value.node().kind != Node::Kind::array) {
    value.error(fmt::format("{} is not a list", value.kind()), "[ … ]");
    return false;
  }
  if (value.node().elements.size() > most) {
    value.error(fmt::format("the list has {} elements", value.node().elements.size()),
                fmt::format("at most {}", most));
    return false;
  }
  return true;
}

bool is_map(const Value& value, std::size_t most) {
  if (value.tells(Shape::between(Shape::Kind::map, 0, static_cast<std::int64_t>(most))))
    return false;
  if (value.lacks_variable()) return false;
  if (value.node().kind != Node::Kind::object) {
    value.error(fmt::format("{} is not an object", value.kind()), "{ … }");
    return false;
  }
  if (value.node().members.size() > most) {
    value.error(fmt::format("the object has {} members", value.node().members.size()),
                fmt::format("at most {}", most));
    return false;
  }
  return true;
}

} // namespace config
