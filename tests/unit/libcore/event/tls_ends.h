// TLS for the tests of streams: one self-signed certificate, contexts with the versions wanted, and
// a peer whose TLS session is worked by hand.
#pragma once

#include "tests/unit/libcore/event/stream_ends.h"

inline std::shared_ptr<tls::ServerContext> server_context(const tls::ServerPolicy& policy = {}) {
  std::vector<tls::Certificate> certificates;
  certificates.push_back(*tls::make_self_signed({"localhost"}, event::read_now().wall));
  auto context = tls::ServerContext::make(certificates, policy);
  REQUIRE(context.has_value());
  return *context;
}

inline std::unique_ptr<tls::ClientContext> client_context() {
  auto context = tls::ClientContext::make({});
  REQUIRE(context.has_value());
  return std::move(*context);
}

inline bssl::UniquePtr<SSL> client_ssl(tls::ClientContext& context,
                                       std::uint16_t max_version = TLS1_3_VERSION) {
  auto ssl = context.connect("server", "localhost");
  SSL_set_max_proto_version(ssl.get(), max_version);
  return ssl;
}

// The other side of a TLS stream: sends and receives when told to, byte by byte if wanted.
class BareTlsPeer {
 public:
  BareTlsPeer(event::Fd fd, bssl::UniquePtr<SSL> own, core::ChunkPool& pool)
      : socket(std::move(fd)),
        ssl(own.get()),
        output(pool),
        session(std::move(own), output, pool) {}
  BareTlsPeer(event::Fd fd, const std::shared_ptr<tls::ServerContext>& context,
              core::ChunkPool& pool)
      : BareTlsPeer(std::move(fd), accepting(*context), pool) {}

  BarePeer socket;
  SSL* ssl; // of the session
  core::ByteQueue output;
  tls::Session session;
  std::string received; // plaintext
  std::size_t ciphertext = 0;
  bool closed = false; // close_notify
  bool failed = false;

  // Takes what has come and sends what is to go.
  void work() {
    socket.receive();
    const std::string fresh = std::exchange(socket.received, {});
    ciphertext += fresh.size();
    session.feed(core::bytes_of(fresh));
    if (!session.handshake_done() && session.handshake() == tls::Status::failed) failed = true;
    while (session.handshake_done() && !closed && !failed) {
      std::array<std::uint8_t, 4096> room;
      const auto read = session.read(room);
      received += core::text_of(core::Bytes(room).first(read.size));
      closed = read.status == tls::Status::closed;
      failed = read.status == tls::Status::failed;
      if (read.status != tls::Status::ok) break;
    }
    session.keep_rest();
    send_output();
  }
  void send(std::string_view text) {
    REQUIRE(session.write(core::bytes_of(text)) == tls::Status::ok);
    send_output();
  }
  void send_output() {
    while (!output.empty()) {
      const std::size_t sent = socket.send(core::text_of(output.front()));
      output.consume(sent);
      if (sent == 0) return;
    }
  }

 private:
  static bssl::UniquePtr<SSL> accepting(const tls::ServerContext& context) {
    bssl::UniquePtr<SSL> ssl(SSL_new(context.default_context()));
    SSL_set_accept_state(ssl.get());
    return ssl;
  }
};
