#include "libcore/tls/session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>

#include "libcore/base/needed.h"
#include "libcore/tls/failure.h"

namespace tls {
namespace {

// Nearly always there are none, and clearing goes through the whole queue.
void clear_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

} // namespace

// The BIO through which BoringSSL takes what was fed and leaves what is to be sent.
struct SessionBio {
  static int read(BIO* bio, char* out, int size) {
    auto* self = static_cast<Session*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const core::Bytes source = self->kept_.empty() ? self->lent_ : self->kept_.front();
    if (source.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t count = std::min(static_cast<std::size_t>(size), source.size());
    std::memcpy(out, source.data(), count);
    if (self->kept_.empty()) {
      self->lent_ = self->lent_.subspan(count);
    } else {
      self->kept_.consume(count);
    }
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* in, int size) {
    auto* self = static_cast<Session*>(BIO_get_data(bio));
    self->output_.append(core::bytes_of({in, static_cast<std::size_t>(size)}));
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "vestibule");
      BIO_meth_set_read(m, &SessionBio::read);
      BIO_meth_set_write(m, &SessionBio::write);
      BIO_meth_set_ctrl(m, &SessionBio::control);
      return m;
    }();
    return made;
  }
};

Session::Session(bssl::UniquePtr<SSL> ssl, core::ByteQueue& output, core::ChunkPool& pool)
    : ssl_(std::move(ssl)), output_(output), kept_(pool) {
  BIO* bio = core::needed(BIO_new(SessionBio::method()));
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

std::unique_ptr<Session> Session::server(std::shared_ptr<const ServerContext> context,
                                         core::ByteQueue& output, core::ChunkPool& pool) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context->default_context()));
  if (!ssl) return nullptr;
  SSL_set_accept_state(ssl.get());
  auto session = std::make_unique<Session>(std::move(ssl), output, pool);
  session->context_ = std::move(context);
  return session;
}

Session::~Session() { clear_errors(); }

void Session::feed(core::Bytes ciphertext) {
  if (kept_.empty()) {
    lent_ = ciphertext;
  } else {
    kept_.append(ciphertext);
  }
}

void Session::keep_rest() {
  if (lent_.empty()) return;
  kept_.append(lent_);
  lent_ = {};
}

Status Session::handshake() {
  clear_errors();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    handshake_done_ = true;
    return Status::ok;
  }
  return classify(result);
}

Session::Read Session::read(core::MutableBytes out) {
  clear_errors();
  const int result = SSL_read(ssl_.get(), out.data(), static_cast<int>(out.size()));
  if (result > 0) return {Status::ok, static_cast<std::size_t>(result)};
  return {classify(result), 0};
}

Status Session::write(core::Bytes plaintext) {
  if (plaintext.empty()) return Status::ok;
  clear_errors();
  // Takes all: the output queue never refuses.
  const int result = SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size()));
  return result > 0 ? Status::ok : classify(result);
}

void Session::shut_down() {
  if (!handshake_done_ || !failure_.empty()) return;
  clear_errors();
  SSL_shutdown(ssl_.get());
}

std::string_view Session::alpn() const {
  const std::uint8_t* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return core::text_of({name, size});
}

bool Session::client_is_certified() const {
  const bssl::UniquePtr<X509> shown(SSL_get_peer_certificate(ssl_.get()));
  return shown != nullptr && SSL_get_verify_result(ssl_.get()) == X509_V_OK;
}

std::string_view Session::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string_view{} : std::string_view(name);
}

Status Session::classify(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Status::want_input;
  // Nothing of what is left will be looked at: what was lent may go.
  lent_ = {};
  kept_.clear();
  if (error == SSL_ERROR_ZERO_RETURN) return Status::closed;
  const auto last = ERR_peek_last_error();
  failure_ = take_failure();
  if (ERR_GET_LIB(last) == ERR_LIB_SSL && ERR_GET_REASON(last) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    failure_ = "CERTIFICATE_VERIFY_FAILED: ";
    failure_ += X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
  }
  return Status::failed;
}

} // namespace tls
