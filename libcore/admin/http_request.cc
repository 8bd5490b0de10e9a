#include "libcore/admin/http_request.h"

#include <algorithm>
#include <iterator>

namespace admin {
namespace {

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Those whose second one could mean another thing than the first.
constexpr std::string_view kOnlyOne[] = {"host",   "authorization", "origin",
                                         "cookie", "content-type",  "sec-fetch-site"};

} // namespace

std::string_view HttpRequest::field(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, &std::pair<std::string, std::string>::first);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

struct RequestReader::Callbacks {
  static RequestReader& self(llhttp_t* llhttp) {
    return *static_cast<RequestReader*>(llhttp->data);
  }
  static int go_on_if(bool good) { return good ? HPE_OK : HPE_USER; }

  static int on_method(llhttp_t* llhttp, const char* at, std::size_t size) {
    RequestReader& reader = self(llhttp);
    reader.request_.method.append(at, size);
    return go_on_if(reader.take_head_bytes(size));
  }
  static int on_url(llhttp_t* llhttp, const char* at, std::size_t size) {
    RequestReader& reader = self(llhttp);
    reader.target_.append(at, size);
    return go_on_if(reader.take_head_bytes(size));
  }
  static int on_header_field(llhttp_t* llhttp, const char* at, std::size_t size) {
    RequestReader& reader = self(llhttp);
    reader.name_.append(at, size);
    return go_on_if(reader.take_head_bytes(size));
  }
  static int on_header_value(llhttp_t* llhttp, const char* at, std::size_t size) {
    RequestReader& reader = self(llhttp);
    reader.value_.append(at, size);
    return go_on_if(reader.take_head_bytes(size));
  }
  static int on_header_value_complete(llhttp_t* llhttp) {
    return go_on_if(self(llhttp).take_field());
  }
  static int on_headers_complete(llhttp_t* llhttp) {
    RequestReader& reader = self(llhttp);
    llhttp->upgrade = 0;
    return go_on_if(reader.split_target() &&
                    (llhttp->content_length <= kMaxBodyBytes || reader.refuse(413)));
  }
  static int on_body(llhttp_t* llhttp, const char* at, std::size_t size) {
    RequestReader& reader = self(llhttp);
    if (reader.request_.body.size() + size > kMaxBodyBytes) return go_on_if(reader.refuse(413));
    reader.request_.body.append(at, size);
    return HPE_OK;
  }
  static int on_message_complete(llhttp_t* llhttp) {
    self(llhttp).state_ = State::complete;
    return HPE_PAUSED;
  }

  static llhttp_settings_t settings() {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_method = on_method;
    settings.on_url = on_url;
    settings.on_header_field = on_header_field;
    settings.on_header_value = on_header_value;
    settings.on_header_value_complete = on_header_value_complete;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    return settings;
  }
};

RequestReader::RequestReader() {
  static const llhttp_settings_t settings = Callbacks::settings();
  llhttp_init(&llhttp_, HTTP_REQUEST, &settings);
  llhttp_.data = this;
}

RequestReader::State RequestReader::feed(core::Bytes bytes) {
  if (state_ != State::incomplete) return state_;
  const std::string_view text = core::text_of(bytes);
  const auto error = llhttp_execute(&llhttp_, text.data(), text.size());
  if (state_ == State::incomplete && error != HPE_OK) refuse(400);
  return state_;
}

bool RequestReader::refuse(unsigned status) {
  if (state_ != State::refused) status_ = status;
  state_ = State::refused;
  return false;
}

bool RequestReader::take_head_bytes(std::size_t count) {
  head_bytes_ += count;
  return head_bytes_ <= kMaxHeadBytes || refuse(431);
}

bool RequestReader::take_field() {
  if (request_.fields.size() == kMaxFields) return refuse(431);
  std::ranges::transform(name_, name_.begin(), to_lower);
  value_.erase(value_.find_last_not_of(" \t") + 1); // llhttp has taken what stands before it
  const bool repeated =
      std::ranges::find(kOnlyOne, name_) != std::end(kOnlyOne) && !request_.field(name_).empty();
  request_.fields.emplace_back(std::move(name_), std::move(value_));
  name_.clear();
  value_.clear();
  return !repeated || refuse(400);
}

// Origin form alone (RFC 9112 section 3.2.1); this is no proxy.
bool RequestReader::split_target() {
  if (!target_.starts_with('/')) return refuse(400);
  const auto mark = target_.find('?');
  request_.path = target_.substr(0, mark);
  if (mark != std::string::npos) request_.query = target_.substr(mark + 1);
  return true;
}

} // namespace admin
