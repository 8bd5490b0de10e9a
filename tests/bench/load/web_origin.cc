// The origin behind every proxy that is measured: as cheap as a server can be, so that the proxies are what is seen. HTTP/1.1 with
// kept connections; it trusts its proxies, and looks at the target and the length of a request's body, no more. Prints its port.
//
//   GET  /         256 bytes              GET /large    1 MiB
//   POST /upload   reads the body         GET /events   an event stream; each has an event --events-every
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libcore/base/address.h"
#include "libcore/event/fd.h"
#include "tests/bench/load/process.h"
#include "tests/bench/load/web_event.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSmall = 256;
constexpr std::size_t kLarge = std::size_t{1} << 20;
constexpr std::size_t kReadBytes = std::size_t{256} * 1024;
constexpr int kBacklog = 4096;
std::string answer(std::size_t size) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(size) +
         "\r\n\r\n" + std::string(size, 'x');
}

struct Connection {
  event::Fd fd;
  std::string head;          // what has come of it
  std::size_t body_left = 0; // of the request
  std::string_view unsent;   // of an answer: of one size, and it lasts
  bool streams = false;
};

class Origin {
 public:
  explicit Origin(std::chrono::milliseconds every)
      : small_(answer(kSmall)), large_(answer(kLarge)), every_(every) {
    listener_ = event::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    core::SocketAddress own(core::IpAddress::v4(127, 0, 0, 1), 0);
    if (::bind(listener_.get(), own.kernel(), own.kernel_size()) != 0 ||
        ::listen(listener_.get(), kBacklog) != 0) {
      std::perror("listen");
      std::exit(1);
    }
    socklen_t size = core::SocketAddress::kCapacity;
    ::getsockname(listener_.get(), own.kernel_for_receive(), &size);
    watch(listener_.get());
    std::printf("%u\n", own.port());
    std::fflush(stdout);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> ready{};
    for (;;) {
      const int wait = due_.empty() ? -1 : 1;
      const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), wait);
      for (int i = 0; i < count; ++i) {
        const epoll_event& e = ready[static_cast<std::size_t>(i)];
        if (e.data.fd == listener_.get()) {
          accept_all();
        } else {
          serve(e.data.fd);
        }
      }
      send_events();
    }
  }

 private:
  void watch(int fd) {
    epoll_event e{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = fd}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e);
  }

  void accept_all() {
    for (;;) {
      event::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) return;
      const int on = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const int number = fd.get();
      connections_[number].fd = std::move(fd);
      watch(number);
    }
  }

  void serve(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    if (send_rest(connection) && read_all(connection)) return;
    connections_.erase(found);
  }

  // False when it has ended.
  bool read_all(Connection& connection) {
    for (;;) {
      const ssize_t count = ::recv(connection.fd.get(), read_.get(), kReadBytes, 0);
      if (count < 0) return errno == EAGAIN;
      if (count == 0) return false;
      std::string_view bytes(read_.get(), static_cast<std::size_t>(count));
      while (!bytes.empty()) {
        if (connection.body_left > 0) {
          const std::size_t taken = std::min(connection.body_left, bytes.size());
          bytes.remove_prefix(taken);
          connection.body_left -= taken;
          if (connection.body_left == 0 && !send(connection, small_)) return false;
          continue;
        }
        const std::size_t before = connection.head.size();
        connection.head.append(bytes);
        const auto end = connection.head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
        if (end == std::string::npos) break;
        bytes.remove_prefix(end + 4 - before);
        connection.head.resize(end + 4);
        if (!answer_to(connection)) return false;
        connection.head.clear();
      }
      if (static_cast<std::size_t>(count) < kReadBytes) return true;
    }
  }

  bool answer_to(Connection& connection) {
    const std::string_view head = connection.head;
    if (head.starts_with("GET /large ")) return send(connection, large_);
    if (head.starts_with("GET /events")) return begin_events(connection);
    if (!head.starts_with("POST ")) return send(connection, small_);
    auto at = head.find("content-length: ");
    if (at == std::string_view::npos) at = head.find("Content-Length: ");
    if (at == std::string_view::npos) return false;
    const char* const digits = head.data() + at + 16;
    std::from_chars(digits, head.data() + head.size(), connection.body_left);
    return connection.body_left > 0 || send(connection, small_);
  }

  bool begin_events(Connection& connection) {
    static constexpr std::string_view kHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        "Transfer-Encoding: chunked\r\n\r\n";
    if (every_ > std::chrono::milliseconds::zero())
      due_.emplace_back(Clock::now() + every_, connection.fd.get());
    event_ = event_chunk(Clock::now().time_since_epoch());
    return send(connection, kHead) && send(connection, event_);
  }

  // Those of a millisecond leave together.
  void send_events() {
    const auto now = Clock::now();
    if (due_.empty() || due_.front().first > now) return;
    event_ = event_chunk(now.time_since_epoch());
    while (!due_.empty() && due_.front().first <= now) {
      const auto [when, fd] = due_.front();
      due_.pop_front();
      const auto found = connections_.find(fd);
      if (found == connections_.end()) continue;
      if (found->second.unsent.empty()) send(found->second, event_);
      due_.emplace_back(when + every_, fd);
    }
  }

  bool send(Connection& connection, std::string_view bytes) {
    connection.unsent = bytes; // a proxy that waits for each answer: nothing waits before it
    return send_rest(connection);
  }

  bool send_rest(Connection& connection) {
    while (!connection.unsent.empty()) {
      const ssize_t sent = ::send(connection.fd.get(), connection.unsent.data(),
                                  connection.unsent.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      connection.unsent.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  const std::string small_, large_;
  std::string event_; // the latest
  const std::chrono::milliseconds every_;
  event::Fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  event::Fd listener_;
  std::unordered_map<int, Connection> connections_;
  std::deque<std::pair<Clock::time_point, int>> due_;
  std::unique_ptr<char[]> read_ = std::make_unique<char[]>(kReadBytes);
};

} // namespace
} // namespace bench

int main(int argc, char** argv) {
  unsigned every = 0;
  CLI::App app("an origin for proxies");
  app.add_option("--events-every", every, "milliseconds; 0: only the first");
  CLI11_PARSE(app, argc, argv);
  bench::raise_descriptor_limit();
  bench::Origin(std::chrono::milliseconds(every)).run();
}
