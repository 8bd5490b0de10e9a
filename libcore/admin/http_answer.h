// What an admin endpoint answers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace admin {

struct HttpAnswer {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> fields = {};
  // What a page may load; everything else may load nothing.
  std::string content_security_policy = "default-src 'none'; frame-ancestors 'none'";
  // A form's Origin is "null" where its page has no-referrer.
  std::string referrer_policy = "no-referrer";
};

HttpAnswer plain(unsigned status, std::string_view sentence);

// As it goes over the wire, with what holds for all: the connection ends, nothing is stored, framed,
// guessed or told to others. `with_body` false: for HEAD.
std::string to_bytes(const HttpAnswer& answer, bool with_body);

} // namespace admin
