// HTTPS clients, for what h2load doesn't offer: connections one after the other, with a full or a resumed handshake (handshakes);
// connections that are held, idle (hold) or with an event stream each (hold --path /events), whose events are counted.
//
// Prints "begin" when measuring starts, "end" when it ends, then one line of JSON; `hold` waits for its input to end between, or
// for --seconds.
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/event/fd.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "web_load: %s\n", why.c_str());
  std::exit(1);
}

void say(const char* word) {
  std::puts(word);
  std::fflush(stdout);
}

bssl::UniquePtr<SSL_SESSION> last_session;

int keep_session(SSL*, SSL_SESSION* session) {
  last_session.reset(session);
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

struct Request {
  core::SocketAddress server;
  bool h2 = false;
  std::string path = "/";
};

// RFC 9113 section 3.4, and a request whose fields are literal (RFC 7541 section 6.2.2) but for :method and :scheme.
std::string h2_request(const Request& request) {
  using namespace std::string_literals;
  std::string block = "\x82\x87"s;
  const auto literal = [&block](char name, std::string_view value) {
    block += name;
    block += static_cast<char>(value.size());
    block += value;
  };
  literal(0x04, request.path);
  literal(0x01, "localhost");
  std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  bytes += "\0\0\x06\x04\0\0\0\0\0\0\x04\0\xff\xff\xff"s; // a window of 16 MiB for each stream
  bytes += "\0\0\x04\x08\0\0\0\0\0\0\xff\xff\xff"s;       // and for the connection
  bytes += "\0\0"s;
  bytes += static_cast<char>(block.size());
  return bytes + "\x01\x05\0\0\0\x01"s + block;
}

std::string h1_request(const Request& request) {
  return "GET " + request.path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

// One connection, by calls that wait until its answer is there; after that, readable bytes are read by drain().
class Client {
 public:
  Client(const Request& request, SSL_SESSION* session) : h2_(request.h2) {
    fd_ = event::Fd(::socket(request.server.ip().family == core::Family::ipv4 ? AF_INET : AF_INET6,
                             SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(fd_.get(), request.server.kernel(), request.server.kernel_size()) != 0)
      give_up(std::string("connect: ") + std::strerror(errno));
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
    const std::string bytes = request.h2 ? h2_request(request) : h1_request(request);
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    // Its settings may come first; the answer's head has at least this in either version.
    while (!answered_) read_once();
  }

  int fd() const { return fd_.get(); }
  bool resumed() const { return resumed_; }
  std::uint64_t events() const { return events_; }

  void drain() {
    do {
      read_once();
    } while (SSL_has_pending(ssl_.get()) == 1);
  }

  void close() {
    SSL_shutdown(ssl_.get());
    fd_.reset();
  }

 private:
  void read_once() {
    static std::array<char, 65536> buffer;
    const int count = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (count <= 0) give_up("a connection ended");
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    events_ += static_cast<std::uint64_t>(std::ranges::count(bytes, '~'));
    if (!h2_) {
      answered_ = answered_ || bytes.find(events_ > 0 ? "~" : "xxxx") != std::string_view::npos;
      return;
    }
    frames_ += bytes;
    while (frames_.size() >= 9) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(frames_[i]); };
      const std::size_t size = std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2);
      if (frames_.size() < 9 + size) break;
      if (byte(3) == 0) answered_ = true; // DATA
      if (byte(3) == 4 && (byte(4) & 1) == 0) SSL_write(ssl_.get(), "\0\0\0\x04\x01\0\0\0\0", 9);
      frames_.erase(0, 9 + size);
    }
  }

  event::Fd fd_;
  bssl::UniquePtr<SSL> ssl_;
  bool h2_;
  bool resumed_ = false;
  bool answered_ = false;
  std::uint64_t events_ = 0;
  std::string frames_;
};

void handshakes(const Request& request, double rate, double seconds, bool resumed) {
  Client(request, nullptr).close(); // what a server does at its first one is not measured
  say("begin");
  const auto begin = Clock::now();
  std::uint64_t count = 0;
  std::uint64_t reused = 0;
  for (auto due = begin; due < begin + std::chrono::duration<double>(seconds);
       due +=
       std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate))) {
    std::this_thread::sleep_until(due);
    Client client(request, resumed ? last_session.get() : nullptr);
    reused += client.resumed() ? 1 : 0;
    ++count;
    client.close();
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  say("end");
  if (reused != (resumed ? count : 0)) give_up("sessions are not resumed as asked for");
  std::printf("{\"units\": %lu, \"per_second\": %.1f}\n", count, static_cast<double>(count) / took);
}

void hold(const Request& request, std::size_t count, double seconds) {
  std::deque<Client> clients;
  std::vector<pollfd> waiting;
  clients.emplace_back(request, nullptr);
  say("begin");
  while (clients.size() < count + 1) clients.emplace_back(request, nullptr);
  say("end");
  event::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (Client& client : clients) {
    epoll_event e{.events = EPOLLIN, .data = {.ptr = &client}};
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, client.fd(), &e);
  }
  epoll_event input{.events = EPOLLIN | EPOLLHUP, .data = {.ptr = nullptr}};
  ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, 0, &input);
  // Events: what has come by now is not of the time that is measured.
  const auto total = [&] {
    std::uint64_t sum = 0;
    for (const Client& client : clients) sum += client.events();
    return sum;
  };
  std::array<epoll_event, 256> ready{};
  const auto turn = [&] {
    const int found = ::epoll_wait(epoll.get(), ready.data(), ready.size(), 100);
    for (int i = 0; i < found; ++i) {
      auto* client = static_cast<Client*>(ready[static_cast<std::size_t>(i)].data.ptr);
      if (client == nullptr) return false;
      client->drain();
    }
    return true;
  };
  if (seconds <= 0) {
    while (turn()) {
    }
    std::printf("{\"units\": %zu}\n", count);
    return;
  }
  const auto until = [&](Clock::time_point end) {
    while (Clock::now() < end) turn();
  };
  until(Clock::now() + std::chrono::seconds(1));
  say("begin");
  const std::uint64_t before = total();
  until(Clock::now() +
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
  const std::uint64_t events = total() - before;
  say("end");
  std::printf("{\"units\": %lu, \"per_second\": %.1f}\n", events,
              static_cast<double>(events) / seconds);
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
  std::string server;
  bench::Request request;
  double rate = 300;
  double seconds = 0;
  std::size_t count = 1000;
  bool resumed = false;
  CLI::App app("HTTPS clients");
  app.require_subcommand(1);
  app.add_option("--server", server)->required();
  app.add_flag("--h2", request.h2);
  app.add_option("--path", request.path);
  app.add_option("--seconds", seconds);
  CLI::App* const handshakes = app.add_subcommand("handshakes");
  handshakes->add_option("--rate", rate);
  handshakes->add_flag("--resumed", resumed);
  CLI::App* const hold = app.add_subcommand("hold");
  hold->add_option("--count", count);
  CLI11_PARSE(app, argc, argv);
  const auto address = core::SocketAddress::parse(server);
  if (!address) bench::give_up("--server");
  request.server = *address;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (*handshakes) bench::handshakes(request, rate, seconds, resumed);
  if (*hold) bench::hold(request, count, seconds);
}
