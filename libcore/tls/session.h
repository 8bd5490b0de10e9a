// One TLS connection, fed by bytes: ciphertext in, plaintext out, and the other way round. Knows no
// socket.
//
// Calling contract
//   feed(bytes)            lends ciphertext; then call handshake() until it says `ok`, or read(),
//                          until they say want_input: all of it has then been taken. After closed
//                          or failed, what is left is dropped.
//   keep_rest()            instead, when reading pauses before want_input: copies what is left
//                          (at most what was fed), so that the lent bytes may go.
//   write(), shut_down()   append ciphertext to the output queue that was given at construction.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "libcore/base/byte_queue.h"
#include "libcore/base/bytes.h"
#include "libcore/tls/server_context.h"

namespace tls {

enum class Status : std::uint8_t {
  ok,
  want_input, // everything fed so far is used up
  closed,     // the other side ended with close_notify: nothing more will come
  failed,     // the connection is unusable; failure() says why
};

class Session {
 public:
  // `output` is where ciphertext is appended; it must outlive the session.
  Session(bssl::UniquePtr<SSL> ssl, core::ByteQueue& output, core::ChunkPool& pool);
  static std::unique_ptr<Session> server(std::shared_ptr<const ServerContext> context,
                                         core::ByteQueue& output, core::ChunkPool& pool);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void feed(core::Bytes ciphertext); // borrowed until anything but ok is returned, or keep_rest()
  void keep_rest();
  bool has_input() const { return !lent_.empty() || !kept_.empty(); }

  Status handshake();
  bool handshake_done() const { return handshake_done_; }

  struct Read {
    Status status;
    std::size_t size; // bytes written to `out`; 0 unless ok
  };
  Read read(core::MutableBytes out);
  Status write(core::Bytes plaintext); // ok or failed; takes all
  void shut_down();                    // sends close_notify

  std::string_view alpn() const;        // empty when none was agreed; borrowed from the session
  std::string_view server_name() const; // of the client's SNI
  // Servers: the client has shown a certificate of an authority that the context knows.
  bool client_is_certified() const;
  const char* version() const { return SSL_get_version(ssl_.get()); }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  std::string failure() const { return failure_; }

 private:
  friend struct SessionBio;
  Status classify(int result);

  bssl::UniquePtr<SSL> ssl_;
  std::shared_ptr<const ServerContext> context_; // servers: keeps the certificates alive
  core::ByteQueue& output_;
  core::Bytes lent_;
  core::ByteQueue kept_;
  std::string failure_;
  bool handshake_done_ = false;
};

} // namespace tls
