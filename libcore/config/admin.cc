#include "libcore/config/admin.h"

#include <fmt/format.h>

#include <algorithm>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"
#include "libcore/config/secrets.h"

namespace config {
namespace {

constexpr std::size_t kMaxNameBytes = 253;

bool is_loopback(const core::SocketAddress& address) {
  const auto ip = address.ip().canonical();
  return ip.family == core::Family::ipv4 ? ip.octets[0] == 127
                                         : ip == core::IpAddress::parse("::1");
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

std::optional<std::string> host_name(const Value& value) {
  auto name = text_up_to(value, kMaxNameBytes);
  if (!name) return std::nullopt;
  std::ranges::transform(*name, name->begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (std::ranges::all_of(*name, is_host_character)) return name;
  value.refuse("is not a host name", "a name without port, such as \"turn1.example.com\"");
  return std::nullopt;
}

void read_tls(const Value& value, std::optional<Admin::Tls>& setting) {
  ObjectReader object(value);
  Admin::Tls tls;
  object.require("certificates", tls.certificates,
                 some_of(certificate_files, std::size_t{16}, "certificate"));
  object.read("client_ca_file", tls.client_ca_file, nullable(path));
  object.finish();
  setting = std::move(tls);
}

} // namespace

bool operator==(const Admin& a, const Admin& b) {
  return a.address == b.address && a.socket == b.socket && a.tls == b.tls && a.names == b.names &&
         a.read_only == b.read_only && a.token.reveal() == b.token.reveal();
}

void read_admin(const Value& value, Admin& admin) {
  ObjectReader object(value);
  object.read("address", admin.address, nullable(listening_address));
  object.read("socket", admin.socket, nullable(path));
  const bool has_token = read_secret(object, "token", "token_file", admin.token);
  if (has_token && admin.token.reveal().size() < kMinTokenBytes) {
    const auto file = object.has("token_file");
    object.place_of(file ? "token_file" : "token")
        .error(fmt::format("the token is shorter than {} bytes", kMinTokenBytes),
               "one that nobody can guess, such as what `openssl rand -hex 32` prints");
  }
  if (const auto tls = object.find("tls"); tls && !tls->is_null()) read_tls(*tls, admin.tls);
  object.read("names", admin.names, list_of(named("host name", host_name), kMaxAdminNames));
  object.read("read_only", admin.read_only, boolean);

  if (admin.address && !is_loopback(*admin.address)) {
    // A token that is there and wrong has its own problem.
    const bool token_meant = object.has("token") || object.has("token_file");
    if (!admin.is_closed() && !token_meant) {
      object.place_of("address").refuse(
          "can be reached from other machines, and whoever reaches it is let in",
          "\"127.0.0.1:PORT\" or \"[::1]:PORT\", or a \"token_file\", or \"tls\" with a "
          "\"client_ca_file\"");
    } else if (!admin.tls) {
      object.place_of("address").warning(
          "the token crosses the network unencrypted",
          "\"tls\" with certificates, or an address on loopback behind something that encrypts");
    }
  }
  object.finish();
}

} // namespace config
