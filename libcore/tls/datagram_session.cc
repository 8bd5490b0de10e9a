#include "libcore/tls/datagram_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>

#include "libcore/base/needed.h"
#include "libcore/tls/failure.h"
#include "libcore/tls/hello_numbers.h"

namespace tls {

// The BIO through which BoringSSL takes the one datagram that was lent and leaves those to be sent.
struct DatagramBio {
  static int read(BIO* bio, char* out, int size) {
    auto* self = static_cast<DatagramSession*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (self->lent_.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    // As a socket does: what doesn't fit is lost.
    const std::size_t count = std::min(static_cast<std::size_t>(size), self->lent_.size());
    std::memcpy(out, self->lent_.data(), count);
    self->lent_ = {};
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* in, int size) {
    auto* self = static_cast<DatagramSession*>(BIO_get_data(bio));
    self->sink_.send_sealed(core::bytes_of({in, static_cast<std::size_t>(size)}));
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m =
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "vestibule datagrams");
      BIO_meth_set_read(m, &DatagramBio::read);
      BIO_meth_set_write(m, &DatagramBio::write);
      BIO_meth_set_ctrl(m, &DatagramBio::control);
      return m;
    }();
    return made;
  }
};

std::unique_ptr<DatagramSession> DatagramSession::accept(
    std::shared_ptr<const ServerContext> context, Sink& sink, const ClientHello& hello) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context->default_context()));
  if (!ssl) return nullptr;
  SSL_set_accept_state(ssl.get());
  SSL_set_mtu(ssl.get(), kMtu);
  if (!take_over_numbers(ssl.get(), hello.record_sequence, hello.message_sequence)) return nullptr;
  return std::unique_ptr<DatagramSession>(
      new DatagramSession(std::move(ssl), std::move(context), sink, hello));
}

DatagramSession::DatagramSession(bssl::UniquePtr<SSL> ssl,
                                 std::shared_ptr<const ServerContext> context, Sink& sink,
                                 const ClientHello& hello)
    : ssl_(std::move(ssl)), context_(std::move(context)), sink_(sink) {
  std::ranges::copy(hello.random, client_random_.begin());
  BIO* bio = core::needed(BIO_new(DatagramBio::method()));
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

DatagramSession::~DatagramSession() { ERR_clear_error(); }

bool DatagramSession::began_with(const ClientHello& hello) const {
  return std::ranges::equal(client_random_, hello.random);
}

Status DatagramSession::begin(core::Bytes datagram) {
  lent_ = datagram;
  if (handshake_done_) return Status::ok;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return classify(result);
  handshake_done_ = true;
  return Status::ok;
}

DatagramSession::Read DatagramSession::open(core::MutableBytes out) {
  ERR_clear_error();
  const int result = SSL_read(ssl_.get(), out.data(), static_cast<int>(out.size()));
  if (result > 0) return {Status::ok, static_cast<std::size_t>(result)};
  return {classify(result), 0};
}

std::optional<core::Duration> DatagramSession::retransmit_in() const {
  timeval left{};
  if (DTLSv1_get_timeout(ssl_.get(), &left) != 1) return std::nullopt;
  return std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

Status DatagramSession::retransmit() {
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_.get()) >= 0) return Status::want_input;
  failure_ = take_failure();
  return Status::failed;
}

Status DatagramSession::write(core::Bytes payload) {
  if (payload.empty()) return Status::ok;
  if (payload.size() > kMaxPayload || !handshake_done_ || !failure_.empty()) return Status::failed;
  ERR_clear_error();
  const int result = SSL_write(ssl_.get(), payload.data(), static_cast<int>(payload.size()));
  return result > 0 ? Status::ok : classify(result);
}

void DatagramSession::shut_down() {
  if (!handshake_done_ || !failure_.empty()) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

std::string_view DatagramSession::alpn() const {
  const std::uint8_t* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return core::text_of({name, size});
}

Status DatagramSession::classify(int result) {
  lent_ = {};
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Status::want_input;
  if (error == SSL_ERROR_ZERO_RETURN) return Status::closed;
  failure_ = take_failure();
  return Status::failed;
}

} // namespace tls
