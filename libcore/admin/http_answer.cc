#include "libcore/admin/http_answer.h"

#include <fmt/format.h>

#include <iterator>

namespace admin {
namespace {

std::string_view reason(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 303:
      return "See Other";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Answer";
  }
}

constexpr std::string_view kForAll =
    "Connection: close\r\n"
    "Cache-Control: no-store\r\n"
    "X-Frame-Options: DENY\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

} // namespace

HttpAnswer plain(unsigned status, std::string_view sentence) {
  return {.status = status, .body = std::string(sentence) + "\n"};
}

std::string to_bytes(const HttpAnswer& answer, bool with_body) {
  std::string bytes = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
      "Content-Security-Policy: {}\r\nReferrer-Policy: {}\r\n{}",
      answer.status, reason(answer.status), answer.type, answer.body.size(),
      answer.content_security_policy, answer.referrer_policy, kForAll);
  for (const auto& [name, value] : answer.fields)
    fmt::format_to(std::back_inserter(bytes), "{}: {}\r\n", name, value);
  bytes += "\r\n";
  if (with_body) bytes += answer.body;
  return bytes;
}

} // namespace admin
