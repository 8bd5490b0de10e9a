// A client's and a server's session, wired together without a socket.
#pragma once

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "libcore/tls/client_context.h"
#include "libcore/tls/server_context.h"
#include "libcore/tls/session.h"
#include "tests/unit/libcore/tls/issuer.h"

inline std::string drain(core::ByteQueue& queue) {
  std::string all;
  while (!queue.empty()) {
    all += core::text_of(queue.front());
    queue.consume(queue.front().size());
  }
  return all;
}

struct End {
  End(core::ChunkPool& pool, bssl::UniquePtr<SSL> own)
      : ssl(own.get()), output(pool), session(std::move(own), output, pool) {}

  // Reads until there is nothing more; the plaintext goes to `received`.
  tls::Status read_all() {
    for (;;) {
      std::array<std::uint8_t, 1000> room;
      const auto read = session.read(room);
      received += core::text_of(core::Bytes(room).first(read.size));
      if (read.status != tls::Status::ok) return read.status;
    }
  }
  // Takes ciphertext as a stream's owner does.
  tls::Status take(std::string_view ciphertext) {
    session.feed(core::bytes_of(ciphertext));
    if (!session.handshake_done()) {
      const auto status = session.handshake();
      if (status != tls::Status::ok) return status;
    }
    return read_all();
  }
  void write(std::string_view text) {
    REQUIRE(session.write(core::bytes_of(text)) == tls::Status::ok);
  }

  SSL* ssl; // of the session
  core::ByteQueue output;
  tls::Session session;
  std::string received;
};

struct SessionPair {
  // `portion`: ciphertext crosses in pieces of so many bytes.
  SessionPair(const std::shared_ptr<tls::ServerContext>& context, bssl::UniquePtr<SSL> client_ssl,
              std::size_t portion_size = std::string::npos)
      : portion(portion_size),
        context_of_server(context),
        client(pool, std::move(client_ssl)),
        server(pool, accepting(*context)) {}

  // Until neither has anything to send.
  void exchange() {
    if (!client.session.handshake_done() && client_status != tls::Status::failed) {
      client_status = client.session.handshake();
    }
    while (!client.output.empty() || !server.output.empty()) {
      carry(client, server, server_status);
      carry(server, client, client_status);
    }
  }
  bool connected() const {
    return client.session.handshake_done() && server.session.handshake_done();
  }

  core::ChunkPool pool;
  std::size_t portion;
  std::shared_ptr<tls::ServerContext> context_of_server; // used by the server's SSL
  End client;
  End server;
  tls::Status client_status = tls::Status::want_input;
  tls::Status server_status = tls::Status::want_input;

 private:
  void carry(End& from, End& to, tls::Status& status) const {
    const std::string all = drain(from.output);
    for (std::size_t at = 0; at < all.size(); at += std::min(portion, all.size() - at)) {
      status = to.take(std::string_view(all).substr(at, portion));
    }
  }
  static bssl::UniquePtr<SSL> accepting(const tls::ServerContext& context) {
    bssl::UniquePtr<SSL> ssl(SSL_new(context.default_context()));
    SSL_set_accept_state(ssl.get());
    return ssl;
  }
};

inline std::shared_ptr<tls::ServerContext> server_context(
    const std::vector<tls::Certificate>& certificates, const tls::ServerPolicy& policy = {}) {
  auto context = tls::ServerContext::make(certificates, policy);
  INFO((context ? "" : context.error().text));
  REQUIRE(context.has_value());
  return *context;
}

inline std::shared_ptr<tls::ServerContext> server_context(tls::Certificate certificate,
                                                          const tls::ServerPolicy& policy = {}) {
  std::vector<tls::Certificate> certificates;
  certificates.push_back(std::move(certificate));
  return server_context(certificates, policy);
}

inline std::unique_ptr<tls::ClientContext> client_context(const tls::ClientPolicy& policy = {}) {
  auto context = tls::ClientContext::make(policy);
  INFO((context ? "" : context.error().text));
  REQUIRE(context.has_value());
  return std::move(*context);
}

inline bssl::UniquePtr<SSL> only(bssl::UniquePtr<SSL> ssl, std::uint16_t version) {
  SSL_set_min_proto_version(ssl.get(), version);
  SSL_set_max_proto_version(ssl.get(), version);
  return ssl;
}
