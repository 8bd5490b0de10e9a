#include "tests/bench/load/turn_flow.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libcore/stun/builder.h"

namespace bench {
namespace {

constexpr std::uint32_t kUdpTransport = 17U << 24;
constexpr std::uint32_t kChannelInAttribute = std::uint32_t{kChannel} << 16;

core::SocketAddress own_address(unsigned number) {
  return {core::IpAddress::v4(127, static_cast<std::uint8_t>(1 + number / 62'500 % 100),
                              static_cast<std::uint8_t>(number / 250 % 250),
                              static_cast<std::uint8_t>(1 + number % 250)),
          0};
}

} // namespace

TurnFlow::TurnFlow(Carrier carrier, const core::SocketAddress& server, unsigned number,
                   SSL_CTX* tls)
    : request_(2048), answer_(4096) {
  const bool stream = carrier == Carrier::tcp || carrier == Carrier::tls;
  fd_ = event::Fd(::socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!fd_) give_up("socket");
  const int one = 1;
  const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
  setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (stream) setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const core::SocketAddress own = own_address(number);
  if (::bind(fd(), own.kernel(), own.kernel_size()) != 0) give_up("bind");
  if (::connect(fd(), server.kernel(), server.kernel_size()) != 0) give_up("connect");
  if (carrier != Carrier::tls) return;
  ssl_.reset(SSL_new(tls));
  SSL_set_fd(ssl_.get(), fd());
  SSL_set_mode(ssl_.get(), SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_connect(ssl_.get()) != 1) give_up("TLS handshake");
}

void TurnFlow::stop_blocking() const { ::fcntl(fd(), F_SETFL, O_NONBLOCK); }

bool TurnFlow::send(core::Bytes frame) {
  const core::Bytes rest = unsent_ == 0 ? frame : frame.last(unsent_);
  const auto sent = ssl_ ? SSL_write(ssl_.get(), rest.data(), static_cast<int>(rest.size()))
                         : ::send(fd(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent <= 0) return false;
  unsent_ = rest.size() - static_cast<std::size_t>(sent);
  return unsent_ == 0;
}

std::size_t TurnFlow::receive(core::MutableBytes room) {
  const auto got = ssl_ ? SSL_read(ssl_.get(), room.data(), static_cast<int>(room.size()))
                        : ::recv(fd(), room.data(), room.size(), 0);
  return got <= 0 ? 0 : static_cast<std::size_t>(got);
}

stun::TransactionId TurnFlow::next_transaction() {
  stun::TransactionId id{};
  const std::uint64_t number = ++transactions_;
  std::memcpy(id.data(), &number, sizeof number);
  return id;
}

core::Bytes TurnFlow::ask(core::Bytes request) {
  if (!send(request)) give_up("a request can't be sent");
  answered_ = 0;
  while (true) {
    const std::size_t got = receive(core::MutableBytes(answer_).subspan(answered_));
    if (got == 0) give_up("no answer");
    answered_ += got;
    if (answered_ < stun::kHeaderBytes) continue;
    const std::size_t whole = stun::kHeaderBytes + core::load16(answer_.data() + 2);
    if (answered_ < whole) continue;
    return core::Bytes(answer_).first(whole);
  }
}

core::Bytes TurnFlow::make(stun::Method method, const core::SocketAddress* peer) {
  stun::MessageBuilder message(request_, method, stun::Class::request, next_transaction());
  if (peer != nullptr) {
    message.add_u32(stun::Attribute::channel_number, kChannelInAttribute);
    message.add_xor_address(stun::Attribute::xor_peer_address, *peer);
  } else {
    message.add_u32(stun::Attribute::requested_transport, kUdpTransport);
  }
  if (!realm_.empty()) {
    message.add_text(stun::Attribute::username, user_);
    message.add_text(stun::Attribute::realm, realm_);
    message.add_text(stun::Attribute::nonce, nonce_);
    message.sign(key_.bytes());
  }
  return message.finish();
}

void TurnFlow::allocate(const Account& account) {
  const auto refused = stun::Message::parse(ask(make(stun::Method::allocate, nullptr)));
  const auto realm = refused ? refused->text(stun::Attribute::realm) : std::nullopt;
  if (!realm) give_up("no 401 for an Allocate");
  user_ = account.user;
  realm_ = *realm;
  nonce_ = refused->text(stun::Attribute::nonce).value_or("");
  key_ = stun::long_term_key_md5(account.user, realm_, account.password);
  const auto answer = stun::Message::parse(ask(make(stun::Method::allocate, nullptr)));
  const auto relayed = answer ? answer->find(stun::Attribute::xor_relayed_address) : std::nullopt;
  const auto address =
      relayed ? stun::decode_xor_address(*relayed, answer->transaction_id()) : std::nullopt;
  if (!address) give_up("an Allocate was refused");
  relay_ = *address;
}

void TurnFlow::bind_channel(const core::SocketAddress& peer) {
  const auto answer = stun::Message::parse(ask(make(stun::Method::channel_bind, &peer)));
  if (!answer || answer->message_class() != stun::Class::success) give_up("no channel");
}

void TurnFlow::ask_floor(const core::SocketAddress& peer) {
  std::vector<std::uint8_t> question{kAskFloor};
  const core::IpAddress ip = peer.ip();
  question.insert(question.end(), ip.octets.begin(), ip.octets.begin() + 4);
  question.resize(7);
  core::store16(question.data() + 5, peer.port());
  if (!send(question) || receive(answer_) != 2) give_up("the do-nothing relay does not answer");
  relay_ = {core::IpAddress::v4(127, 0, 0, 1), core::load16(answer_.data())};
}

} // namespace bench
