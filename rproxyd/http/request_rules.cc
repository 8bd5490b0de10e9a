#include "rproxyd/http/request_rules.h"

#include <algorithm>
#include <array>

#include "libcore/base/address.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::array<bool, 256> table_of(std::string_view more) {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : more) table[static_cast<unsigned char>(c)] = true;
  return table;
}

bool all_in(std::string_view text, const std::array<bool, 256>& table) {
  return std::ranges::all_of(text, [&](char c) { return table[static_cast<unsigned char>(c)]; });
}

// Visible ASCII without the fragment's mark. Browsers and servers disagree about the rest, and a
// space would end the target in the backend's request line.
bool is_path_and_query(std::string_view text) {
  return text.starts_with('/') &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

// What follows "http://" or "https://", in any case; nullopt for anything else.
std::optional<std::string_view> after_scheme(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (equal_ignoring_case(target.substr(0, scheme.size()), scheme))
      return target.substr(scheme.size());
  }
  return std::nullopt;
}

constexpr Refusal kBadTarget{400, "the target is neither a path nor an http or https URL"};

} // namespace

bool is_token(std::string_view text) {
  static constexpr auto kTable = table_of("!#$%&'*+-.^_`|~");
  return !text.empty() && all_in(text, kTable);
}

bool is_authority(std::string_view text) {
  static constexpr auto kNameTable = table_of("-._~");
  if (text.empty() || text.size() > 255 + 6) return false;
  std::string_view after_host;
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    const auto ip = core::IpAddress::parse(text.substr(1, end - 1));
    if (!ip || ip->family != core::Family::ipv6) return false;
    after_host = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    if (colon == 0 || !all_in(text.substr(0, colon), kNameTable)) return false;
    after_host = text.substr(colon);
  }
  if (after_host.empty()) return true;
  const std::string_view digits = after_host.substr(1);
  const auto port = parse_decimal(digits);
  return after_host.front() == ':' && digits.size() <= 5 && port && *port <= 65535;
}

std::optional<Refusal> check_method(std::string_view method) {
  if (method == "CONNECT" || method == "TRACE")
    return Refusal{405, "this method is not allowed here"};
  return std::nullopt;
}

std::optional<Refusal> take_target(RequestHead& head, std::string_view target) {
  if (target == "*") {
    if (head.method != "OPTIONS") return Refusal{400, "the target * is for OPTIONS alone"};
    head.target = target;
    return std::nullopt;
  }
  if (target.starts_with('/')) {
    if (!is_path_and_query(target))
      return Refusal{400, "the target holds bytes that no path or query may hold"};
    head.target = target;
    return std::nullopt;
  }

  const auto rest = after_scheme(target);
  if (!rest) return kBadTarget;
  const std::size_t end = std::min(rest->find_first_of("/?#"), rest->size());
  if (!is_authority(rest->substr(0, end))) return Refusal{400, "the target's host is not valid"};
  head.authority = rest->substr(0, end);
  const std::string_view path_and_query = rest->substr(end);
  if (path_and_query.empty() && head.method == "OPTIONS") { // RFC 9112 section 3.2.4
    head.target = "*";
    return std::nullopt;
  }
  head.target.clear();
  if (!path_and_query.starts_with('/')) head.target = "/";
  head.target.append(path_and_query);
  if (!is_path_and_query(head.target))
    return Refusal{400, "the target holds bytes that no path or query may hold"};
  return std::nullopt;
}

std::optional<Refusal> take_expect(RequestHead& head) {
  const auto expect = head.fields.find("expect");
  if (!expect) return std::nullopt;
  // RFC 9110 section 10.1.1: a recipient ignores it in an HTTP/1.0 request.
  if (head.version != Version::http_1_0) {
    if (head.fields.count("expect") != 1 || !equal_ignoring_case(*expect, "100-continue")) {
      return Refusal{417, "an expectation other than 100-continue"};
    }
    head.expect_continue = head.body.kind == BodySize::Kind::open || head.body.length > 0;
  }
  head.fields.remove("expect");
  return std::nullopt;
}

} // namespace rproxyd
