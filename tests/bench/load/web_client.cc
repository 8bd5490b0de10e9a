#include "tests/bench/load/web_client.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string_view>

#include "tests/bench/load/process.h"
#include "tests/bench/load/web_event.h"

namespace bench {
namespace {

using namespace std::string_literals;

constexpr std::size_t kFrameHeader = 9;
constexpr unsigned kData = 0, kSettings = 4, kEndStream = 1, kAck = 1;

std::mutex session_mutex;
bssl::UniquePtr<SSL_SESSION> kept_session;

int keep_session(SSL*, SSL_SESSION* session) {
  const std::scoped_lock lock(session_mutex);
  kept_session.reset(session);
  return 1;
}

SSL_CTX* client_context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_method());
    SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
    SSL_CTX_set1_curves_list(made, "X25519");
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(made, keep_session);
    return made;
  }();
  return context;
}

// RFC 9113 section 3.4
std::string h2_preface() {
  std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  bytes += "\0\0\x06\x04\0\0\0\0\0\0\x04\0\xff\xff\xff"s; // a window of 16 MiB for each stream
  return bytes + "\0\0\x04\x08\0\0\0\0\0\0\xff\xff\xff"s; // and for the connection
}

// Its fields are literal (RFC 7541 section 6.2.2) but for :method and :scheme.
std::string h2_request(const WebRequest& request, std::uint32_t stream) {
  std::string block = "\x82\x87"s;
  const auto literal = [&block](char name, std::string_view value) {
    block += name;
    block += static_cast<char>(value.size());
    block += value;
  };
  literal(0x04, request.path);
  literal(0x01, "localhost");
  std::string bytes = "\0\0"s;
  bytes += static_cast<char>(block.size());
  bytes += "\x01\x05"s;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(stream >> shift & 255);
  return bytes + block;
}

std::string h1_request(const WebRequest& request) {
  return "GET " + request.path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

} // namespace

bssl::UniquePtr<SSL_SESSION> last_session() {
  const std::scoped_lock lock(session_mutex);
  return bssl::UpRef(kept_session);
}

WebClient::WebClient(const WebRequest& request, SSL_SESSION* session) : request_(request) {
  fd_ = event::Fd(::socket(request.server.ip().family == core::Family::ipv4 ? AF_INET : AF_INET6,
                           SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd_.get(), request.server.kernel(), request.server.kernel_size()) != 0)
    give_up("connect");
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ssl_.reset(SSL_new(client_context()));
  SSL_set_fd(ssl_.get(), fd_.get());
  static constexpr std::array<std::uint8_t, 3> kH2 = {2, 'h', '2'};
  static constexpr std::array<std::uint8_t, 9> kH1 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(ssl_.get(), request.h2 ? kH2.data() : kH1.data(),
                      request.h2 ? kH2.size() : kH1.size());
  SSL_set_tlsext_host_name(ssl_.get(), "localhost");
  if (session != nullptr) SSL_set_session(ssl_.get(), session);
  if (SSL_connect(ssl_.get()) != 1) give_up("the handshake failed");
  resumed_ = SSL_session_reused(ssl_.get()) == 1;
  const std::string bytes =
      request.h2 ? h2_preface() + h2_request(request, stream_) : h1_request(request);
  SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  while (!began_) read_once(); // its settings may come first
}

void WebClient::ask_again() {
  answered_ = false;
  stream_ += 2;
  const std::string bytes = request_.h2 ? h2_request(request_, stream_) : h1_request(request_);
  SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
}

void WebClient::drain() {
  do {
    read_once();
  } while (SSL_has_pending(ssl_.get()) == 1);
}

void WebClient::close() {
  SSL_shutdown(ssl_.get());
  fd_.reset();
}

void WebClient::read_once() {
  static thread_local std::array<char, 65536> buffer;
  const int count = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
  if (count <= 0) give_up("a connection ended");
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  count_events(bytes);
  if (request_.h2) {
    frames_ += bytes;
    read_frames();
  } else if (events_ > 0 || bytes.ends_with("xxxx")) {
    began_ = answered_ = true;
  }
}

void WebClient::read_frames() {
  while (frames_.size() >= kFrameHeader) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(frames_[i]); };
    const std::size_t size = std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2);
    if (frames_.size() < kFrameHeader + size) return;
    const std::uint32_t stream = std::uint32_t{byte(5)} << 24 | std::uint32_t{byte(6)} << 16 |
                                 std::uint32_t{byte(7)} << 8 | byte(8);
    if (byte(3) == kData) {
      began_ = true;
      answered_ = answered_ || (stream == stream_ && (byte(4) & kEndStream) != 0);
    }
    if (byte(3) == kSettings && (byte(4) & kAck) == 0)
      SSL_write(ssl_.get(), "\0\0\0\x04\x01\0\0\0\0", kFrameHeader);
    frames_.erase(0, kFrameHeader + size);
  }
}

void WebClient::count_events(std::string_view bytes) {
  for (auto at = bytes.find(kEventMark); at != std::string_view::npos;
       at = bytes.find(kEventMark, at + 1)) {
    ++events_;
    std::int64_t sent = 0;
    if (latencies_ == nullptr || at < kEventTimeBefore) continue;
    const char* const digits = bytes.data() + at - kEventTimeBefore;
    std::from_chars(digits, digits + kEventTimeDigits, sent, 16);
    latencies_->add(std::chrono::steady_clock::now().time_since_epoch() -
                    std::chrono::nanoseconds(sent));
  }
}

} // namespace bench
