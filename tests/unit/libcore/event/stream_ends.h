// The two ends of a TCP connection over loopback: a Stream with everything that it told, and a bare
// socket or another Stream on the other side.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcore/event/socket.h"
#include "libcore/event/stream.h"
#include "libcore/tls/client_context.h"
#include "tests/unit/libcore/event/watched_loop.h"

// What a stream's owner is told, in order.
class Recorder final : public event::StreamEvents {
 public:
  std::string data;
  std::vector<std::string> told; // "open", "data", "drained", "end"; data in a row counts once
  int data_calls = 0;
  int drained = 0;
  std::optional<event::StreamEnd> end;
  std::string why;

  std::function<void()> when_open;
  std::function<void(core::Bytes)> when_data;
  std::function<void()> when_drained;
  std::function<void()> when_ended;

  bool opened() const { return !told.empty() && told.front() == "open"; }

 private:
  void on_stream_open() override {
    told.emplace_back("open");
    if (when_open) when_open();
  }
  void on_stream_data(core::MutableBytes bytes) override {
    if (told.empty() || told.back() != "data") told.emplace_back("data");
    ++data_calls;
    data += core::text_of(bytes);
    if (when_data) when_data(bytes);
  }
  void on_stream_drained() override {
    told.emplace_back("drained");
    ++drained;
    if (when_drained) when_drained();
  }
  void on_stream_end(event::StreamEnd how, std::string_view reason) override {
    told.emplace_back("end");
    end = how;
    why = reason;
    if (when_ended) when_ended();
  }
};

struct SocketPair {
  event::Fd client; // non-blocking
  event::Fd server; // accepted, non-blocking
};

inline SocketPair connected_sockets() {
  const auto listener =
      event::listen_tcp(*core::SocketAddress::parse("127.0.0.1:0"), event::Sharing::exclusive);
  REQUIRE(listener.has_value());
  auto client = event::connect_tcp(event::local_address(listener->get()));
  REQUIRE(client.has_value());
  pollfd waits{.fd = listener->get(), .events = POLLIN, .revents = 0};
  REQUIRE(::poll(&waits, 1, -1) == 1);
  auto accepted = event::accept_tcp(listener->get());
  REQUIRE(accepted.fd);
  return {std::move(*client), std::move(accepted.fd)};
}

// The other side as a bare socket: never blocks.
class BarePeer {
 public:
  explicit BarePeer(event::Fd fd) : fd_(std::move(fd)) {}

  std::string received;
  bool ended = false;  // FIN
  bool broken = false; // RST

  void receive() {
    std::vector<char> room(std::size_t{64} * 1024);
    for (;;) {
      const ssize_t count = ::recv(fd_.get(), room.data(), room.size(), 0);
      if (count > 0) {
        received.append(room.data(), static_cast<std::size_t>(count));
        continue;
      }
      if (count == 0) ended = true;
      if (count < 0 && errno != EAGAIN) broken = true;
      return;
    }
  }
  // How much the kernel took.
  std::size_t send(std::string_view text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t count = ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count < 0) break;
      sent += static_cast<std::size_t>(count);
    }
    return sent;
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }
  int fd() const { return fd_.get(); }

 private:
  event::Fd fd_;
};

inline std::string some_bytes(std::size_t size, unsigned seed = 1) {
  std::string text(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& c : text) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    c = static_cast<char>(state);
  }
  return text;
}
