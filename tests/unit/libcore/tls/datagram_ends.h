// A DTLS client and our server's side of one connection, with a link between them that loses,
// repeats and reorders as a test likes. Time is virtual.
#pragma once

#include <openssl/bio.h>

#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcore/tls/datagram_session.h"
#include "tests/unit/libcore/tls/issuer.h"
#include "tests/unit/libcore/tls/session_pair.h"

using Datagram = std::vector<std::uint8_t>;

inline Datagram datagram_of(core::Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// What BoringSSL takes for the time.
inline core::Duration virtual_time{std::chrono::hours(1)};

inline void use_virtual_time(SSL_CTX* context) {
  SSL_CTX_set_current_time_cb(context, [](const SSL*, timeval* out) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(virtual_time);
    out->tv_sec = seconds.count();
    out->tv_usec = std::chrono::floor<std::chrono::microseconds>(virtual_time - seconds).count();
  });
}

// Somebody else's client: BoringSSL's own, over datagrams.
class DatagramClient {
 public:
  explicit DatagramClient(std::deque<Datagram>& out)
      : out_(out), context_(SSL_CTX_new(DTLS_method())) {
    use_virtual_time(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_max_proto_version(ssl_.get(), DTLS1_2_VERSION);
    SSL_set_options(ssl_.get(), SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl_.get(), 1200);
    SSL_set_connect_state(ssl_.get());
    BIO* bio = BIO_new(method());
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
  }

  SSL* ssl() { return ssl_.get(); }
  bool connected() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  void handshake() { SSL_do_handshake(ssl_.get()); }
  void receive(const Datagram& datagram) {
    waiting_ = datagram;
    if (!connected()) handshake();
    std::array<std::uint8_t, 20000> room;
    for (int n = 0; (n = SSL_read(ssl_.get(), room.data(), room.size())) > 0;) {
      received.emplace_back(reinterpret_cast<const char*>(room.data()), n);
    }
  }
  void write(std::string_view text) {
    REQUIRE(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) ==
            static_cast<int>(text.size()));
  }

  std::vector<std::string> received;

 private:
  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "test");
      BIO_meth_set_read(m, [](BIO* bio, char* out, int) {
        auto* self = static_cast<DatagramClient*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (!self->waiting_) {
          BIO_set_retry_read(bio);
          return -1;
        }
        const Datagram datagram = *std::exchange(self->waiting_, std::nullopt);
        std::copy(datagram.begin(), datagram.end(), out);
        return static_cast<int>(datagram.size());
      });
      BIO_meth_set_write(m, [](BIO* bio, const char* in, int size) {
        auto* self = static_cast<DatagramClient*>(BIO_get_data(bio));
        self->out_.emplace_back(in, in + size);
        return size;
      });
      BIO_meth_set_ctrl(m, [](BIO*, int command, long, void*) {
        return static_cast<long>(command == BIO_CTRL_FLUSH);
      });
      return m;
    }();
    return made;
  }

  std::deque<Datagram>& out_;
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<SSL> ssl_;
  std::optional<Datagram> waiting_;
};

// The server's side as a shell keeps it: cookies first, then a session.
class DatagramServer final : private tls::DatagramSession::Sink {
 public:
  DatagramServer(std::deque<Datagram>& out, tls::ServerPolicy policy) : out_(out) {
    policy.datagrams = true;
    context_ = server_context(tls::make_self_signed({"localhost"}, kToday).value(), policy);
    use_virtual_time(context_->default_context());
  }

  void receive(Datagram datagram) {
    const auto hello = tls::parse_client_hello(datagram);
    if (hello && (!session || !session->began_with(*hello))) {
      const core::TimePoint now{virtual_time};
      if (!cookies.brings_its_cookie(*hello, client_address, server_address, now)) {
        ++asked;
        out_.push_back(datagram_of(cookies.ask(*hello, client_address, server_address, now)));
        return;
      }
      session = tls::DatagramSession::accept(context_, *this, *hello);
      REQUIRE(session);
    }
    if (!session) return;
    status = session->receive(datagram, [&](core::MutableBytes payload) {
      received.emplace_back(core::text_of(payload));
      return true;
    });
  }

  const core::SocketAddress client_address = *core::SocketAddress::parse("192.0.2.1:5000");
  const core::SocketAddress server_address = *core::SocketAddress::parse("198.51.100.1:5349");
  const tls::HelloCookies cookies{{1, 2, 3}};
  std::unique_ptr<tls::DatagramSession> session;
  tls::Status status = tls::Status::want_input;
  std::vector<std::string> received;
  int asked = 0;

 private:
  void send_sealed(core::Bytes datagram) override { out_.push_back(datagram_of(datagram)); }

  std::deque<Datagram>& out_;
  std::shared_ptr<tls::ServerContext> context_;
};

struct DatagramEnds {
  explicit DatagramEnds(const tls::ServerPolicy& policy = {}) : server(to_client, policy) {}

  bool connected() const {
    return client.connected() && server.session && server.session->handshake_done();
  }

  // Carries what is on its way until nothing is. `lost` is asked for each datagram, in order.
  void carry(const std::function<bool()>& lost = [] { return false; }) {
    while (!to_server.empty() || !to_client.empty()) {
      if (auto datagram = take(to_server); datagram && !lost()) server.receive(*datagram);
      if (auto datagram = take(to_client); datagram && !lost()) client.receive(*datagram);
    }
  }

  // To the time at which one of the two sends again.
  void let_time_pass() {
    timeval left{};
    core::Duration next = std::chrono::seconds(60); // the longest that either waits
    if (DTLSv1_get_timeout(client.ssl(), &left) == 1) {
      next = std::min<core::Duration>(
          next, std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
    }
    if (server.session && server.session->retransmit_in()) {
      next = std::min(next, *server.session->retransmit_in());
    }
    virtual_time += next;
    DTLSv1_handle_timeout(client.ssl());
    if (server.session && server.session->retransmit_in() == core::Duration(0)) {
      server.status = server.session->retransmit();
    }
  }

  void connect() {
    client.handshake();
    carry();
  }

  std::deque<Datagram> to_server;
  std::deque<Datagram> to_client;
  DatagramClient client{to_server};
  DatagramServer server;

 private:
  static std::optional<Datagram> take(std::deque<Datagram>& from) {
    if (from.empty()) return std::nullopt;
    Datagram first = std::move(from.front());
    from.pop_front();
    return first;
  }
};
