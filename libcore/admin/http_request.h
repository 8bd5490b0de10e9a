// One HTTP/1.x request as the admin endpoints take it: small, and whole before it is looked at. llhttp
// reads, with nothing lenient; a connection carries one request, so what follows it is of no interest.
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcore/base/bytes.h"

namespace admin {

struct HttpRequest {
  std::string method;
  std::string path;                                             // as it came, up to the '?'
  std::string query = {};                                       // behind it
  std::vector<std::pair<std::string, std::string>> fields = {}; // names in lower case
  std::string body = {};

  // Empty when there is none; a request with several of one name is refused where it matters.
  std::string_view field(std::string_view name) const; // borrowed from the request
};

class RequestReader {
 public:
  static constexpr std::size_t kMaxHeadBytes = std::size_t{16} * 1024;
  static constexpr std::size_t kMaxFields = 64;
  static constexpr std::size_t kMaxBodyBytes = std::size_t{16} * 1024;

  enum class State : std::uint8_t { incomplete, complete, refused };

  RequestReader();
  ~RequestReader() = default;
  RequestReader(const RequestReader&) = delete; // llhttp holds its address
  RequestReader& operator=(const RequestReader&) = delete;

  State feed(core::Bytes bytes); // after complete and refused, what comes is dropped
  const HttpRequest& request() const { return request_; } // once complete
  unsigned refused_with() const { return status_; }       // once refused: a status

 private:
  struct Callbacks;
  bool refuse(unsigned status);
  bool take_head_bytes(std::size_t count);
  bool take_field();
  bool split_target();

  llhttp_t llhttp_{};
  State state_ = State::incomplete;
  unsigned status_ = 0;
  HttpRequest request_;
  std::string target_;
  std::string name_;
  std::string value_;
  std::size_t head_bytes_ = 0;
};

} // namespace admin
