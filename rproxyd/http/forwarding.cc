#include "rproxyd/http/forwarding.h"

#include <algorithm>
#include <array>
#include <optional>
#include <ranges>
#include <vector>

#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::array<std::string_view, 10> kHopByHop = {
    "connection",          "http2-settings",   "keep-alive", "proxy-authenticate",
    "proxy-authorization", "proxy-connection", "te",         "trailer",
    "transfer-encoding",   "upgrade"};

// Names are compared as a CGI-like backend would see them, should underscores be let through.
bool is_forwarding_field(std::string_view name) {
  const auto begins = [&](std::string_view with) {
    return name.size() >= with.size() &&
           std::ranges::equal(name.substr(0, with.size()), with,
                              [](char a, char b) { return (a == '_' ? '-' : a) == b; });
  };
  const auto is = [&](std::string_view whole) {
    return name.size() == whole.size() && begins(whole);
  };
  return begins("x-forwarded-") || is("x-real-ip") || is("forwarded");
}

void set(FieldList& fields, std::string_view name, std::string_view value) {
  fields.remove(name);
  fields.add(name, value);
}

// All occurrences of a list field as one.
std::string joined(const FieldList& fields, std::string_view name, std::string_view separator) {
  std::string all;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name != name || fields[i].value.empty()) continue;
    if (!all.empty()) all += separator;
    all += fields[i].value;
  }
  return all;
}

void append_to_list(FieldList& fields, std::string_view name, std::string_view element) {
  std::string all = joined(fields, name, ", ");
  if (!all.empty()) all += ", ";
  all += element;
  set(fields, name, all);
}

void join_cookies(FieldList& fields) { // RFC 9113 section 8.2.3
  if (fields.count("cookie") < 2) return;
  const std::string all = joined(fields, "cookie", "; ");
  set(fields, "cookie", all);
}

// A socket that serves both families shows IPv4 clients as ::ffff:a.b.c.d. Only that form is
// undone: an IPv6 address of another kind that holds an IPv4 one is somebody else's.
core::IpAddress unmapped(const core::IpAddress& ip) {
  static constexpr std::array<std::uint8_t, 12> kPrefix = {0, 0, 0, 0, 0,    0,
                                                           0, 0, 0, 0, 0xff, 0xff};
  const core::Bytes bytes = ip.bytes();
  if (ip.family != core::Family::ipv6 || !std::ranges::equal(bytes.first(12), kPrefix)) return ip;
  return core::IpAddress::from_v4(bytes.last(4));
}

// An entry of X-Forwarded-For: an address, perhaps with a port, IPv6 perhaps in brackets.
std::optional<core::IpAddress> parse_entry(std::string_view text) {
  if (const auto ip = core::IpAddress::parse(text)) return unmapped(*ip);
  if (const auto with_port = core::SocketAddress::parse(text)) return unmapped(with_port->ip());
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    if (const auto ip = core::IpAddress::parse(text.substr(1, text.size() - 2)))
      return unmapped(*ip);
  }
  return std::nullopt;
}

// A node of RFC 7239 section 6: IPv6 in brackets, and quoted for the brackets' sake; so is a host,
// whose port comes after a colon. An authority holds no quotes.
std::string forwarded_element(const core::IpAddress& peer, bool secure, std::string_view host) {
  const std::string text = peer.to_string();
  std::string element =
      peer.family == core::Family::ipv6 ? "for=\"[" + text + "]\"" : "for=" + text;
  if (!host.empty()) element.append(";host=\"").append(host).append("\"");
  element += secure ? ";proto=https" : ";proto=http";
  return element;
}

} // namespace

ClientIdentity identify_client(const FieldList& fields, const core::SocketAddress& peer,
                               bool secure, const core::NetworkList& trusted_proxies) {
  ClientIdentity client{
      .peer = peer, .trusted = false, .secure = secure, .address = unmapped(peer.ip())};
  client.trusted = trusted_proxies.contains(client.address);
  if (!client.trusted) return client;

  std::vector<std::string_view> entries;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name != "x-forwarded-for") continue;
    any_element(fields[i].value, [&](std::string_view entry) {
      entries.push_back(entry);
      return false;
    });
  }
  for (const std::string_view entry : std::views::reverse(entries)) {
    const auto ip = parse_entry(entry);
    if (!ip) break;
    client.address = *ip;
    if (!trusted_proxies.contains(*ip)) break;
  }
  return client;
}

void prepare_for_backend(RequestHead& head, const ClientIdentity& client, bool forwarded) {
  FieldList& fields = head.fields;
  // First, so that a client can't name one of ours in Connection and have it removed.
  remove_hop_by_hop(fields);
  join_cookies(fields);
  fields.remove("proxy"); // CGI-like backends would take it for their own HTTP_PROXY

  if (!client.trusted) {
    fields.remove_if([](const Field& field) { return is_forwarding_field(field.name); });
  }
  const core::IpAddress peer = unmapped(client.peer.ip());
  append_to_list(fields, "x-forwarded-for", peer.to_string());
  if (fields.count("x-forwarded-proto") != 1)
    set(fields, "x-forwarded-proto", client.secure ? "https" : "http");
  if (fields.count("x-forwarded-host") != 1) set(fields, "x-forwarded-host", head.authority);
  set(fields, "x-real-ip", client.address.to_string());
  if (forwarded || fields.count("forwarded") > 0) {
    const std::string_view host = forwarded ? std::string_view(head.authority) : "";
    append_to_list(fields, "forwarded", forwarded_element(peer, client.secure, host));
  }
}

void prepare_for_client(ResponseHead& head, std::string_view date) {
  if (!head.fields.find("date")) head.fields.add("date", date);
}

void remove_hop_by_hop(FieldList& fields) {
  const bool takes_trailers = fields.has_token("te", "trailers");
  const std::string named = joined(fields, "connection", ",");
  fields.remove_if([&](const Field& field) {
    return std::ranges::find(kHopByHop, field.name) != kHopByHop.end() ||
           any_element(
               named, [&](std::string_view name) { return equal_ignoring_case(name, field.name); });
  });
  if (takes_trailers) fields.add("te", "trailers");
}

bool may_be_trailer(std::string_view name) {
  static constexpr std::array<std::string_view, 37> kNever = {"age",
                                                              "authorization",
                                                              "cache-control",
                                                              "content-encoding",
                                                              "content-length",
                                                              "content-location",
                                                              "content-range",
                                                              "content-type",
                                                              "cookie",
                                                              "date",
                                                              "expect",
                                                              "expires",
                                                              "host",
                                                              "if-match",
                                                              "if-modified-since",
                                                              "if-none-match",
                                                              "if-range",
                                                              "if-unmodified-since",
                                                              "location",
                                                              "max-forwards",
                                                              "pin",
                                                              "pragma",
                                                              "priority",
                                                              "proxy",
                                                              "range",
                                                              "retry-after",
                                                              "set-cookie",
                                                              "strict-transport-security",
                                                              "token",
                                                              "vary",
                                                              "via",
                                                              "warning",
                                                              "www-authenticate",
                                                              "access-control-allow-origin",
                                                              "access-control-allow-credentials",
                                                              "content-security-policy",
                                                              "origin"};
  if (name.find('_') != std::string_view::npos || name.starts_with(':')) return false;
  return std::ranges::find(kNever, name) == kNever.end() &&
         std::ranges::find(kHopByHop, name) == kHopByHop.end() && !is_forwarding_field(name);
}

} // namespace rproxyd
