// Where a Redis server is and how it is reached: what a redis:// or rediss:// URL says.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/secret.h"

namespace redis {

struct Server {
  std::string host; // a name, or an address without brackets
  std::uint16_t port = 6379;
  bool tls = false;
  unsigned database = 0;
  std::string user; // empty: the server's default one
  core::Secret password;
  bool verify = true;  // with tls
  std::string ca_file; // empty: the system's

  // "10.0.0.1:6379/0": for people, never with the password.
  std::string to_string() const;
  friend bool operator==(const Server& a, const Server& b) {
    return a.host == b.host && a.port == b.port && a.tls == b.tls && a.database == b.database &&
           a.user == b.user && a.password.reveal() == b.password.reveal() && a.verify == b.verify &&
           a.ca_file == b.ca_file;
  }
};

inline constexpr unsigned kMaxDatabase = 1023;

bool is_url(std::string_view text); // one of these two schemes, whatever follows

// "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]", with %XX in user and password. The error says what
// is wrong with it, without the password.
std::expected<Server, std::string> parse_url(std::string_view text);

} // namespace redis
