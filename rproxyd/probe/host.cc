#include "rproxyd/probe/host.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "libcore/base/byte_queue.h"
#include "libcore/event/loop.h"
#include "libcore/tls/client_context.h"
#include "libcore/tls/peer.h"
#include "libcore/tls/session.h"
#include "rproxyd/probe/wire.h"

namespace rproxyd::probe {
namespace {

constexpr std::size_t kMaxAnswer = std::size_t{64} * 1024; // of which the rest is not read
constexpr std::size_t kMaxKept = 1024;                     // of its body

// One TLS connection, used by calls that wait.
class TlsWire {
 public:
  TlsWire(event::Fd fd, bssl::UniquePtr<SSL> ssl)
      : fd_(std::move(fd)), ssl_(ssl.get()), session_(std::move(ssl), output_, pool_) {}

  const SSL* ssl() const { return ssl_; }

  core::Result<void> handshake() {
    for (;;) {
      const tls::Status status = session_.handshake();
      if (auto sent = send_output(); !sent) return sent;
      if (status == tls::Status::ok) return {};
      if (status == tls::Status::failed) return core::failure(session_.failure());
      if (status == tls::Status::closed) return core::failure("it ended the connection");
      if (auto fed = feed(); !fed) return fed;
    }
  }

  core::Result<void> write(std::string_view text) {
    if (session_.write(core::bytes_of(text)) != tls::Status::ok)
      return core::failure(session_.failure());
    return send_output();
  }

  // What there is until the other side ends, or kMaxAnswer.
  core::Result<std::string> read_to_end() {
    std::string all;
    std::array<std::uint8_t, 4096> room{};
    while (all.size() < kMaxAnswer) {
      const auto read = session_.read(room);
      if (read.status == tls::Status::ok) {
        all += core::text_of(core::Bytes(room).first(read.size));
        continue;
      }
      if (read.status == tls::Status::closed) break;
      if (read.status == tls::Status::failed) return core::failure(session_.failure());
      if (auto fed = feed(); !fed) {
        if (!all.empty()) break;
        return std::unexpected(fed.error());
      }
    }
    return all;
  }

 private:
  core::Result<void> send_output() {
    while (!output_.empty()) {
      const core::Bytes piece = output_.front();
      if (auto sent = send_all(fd_.get(), piece); !sent) return sent;
      output_.consume(piece.size());
    }
    return {};
  }

  core::Result<void> feed() {
    const auto size = receive(fd_.get(), input_);
    if (!size) return std::unexpected(size.error());
    if (*size == 0) return core::failure("it ended the connection");
    session_.feed(core::Bytes(input_).first(*size));
    return {};
  }

  event::Fd fd_;
  core::ChunkPool pool_;
  core::ByteQueue output_{pool_};
  std::array<std::uint8_t, 16384> input_{};
  const SSL* ssl_;
  tls::Session session_;
};

core::Result<void> make_handshake(doctor::HostFacts& facts, TlsWire& wire,
                                  const std::string& ca_file) {
  if (auto made = wire.handshake(); !made) return made;
  const auto judged =
      tls::judge_peer(wire.ssl(), facts.host, {.ca_file = ca_file}, event::read_now().wall);
  if (!judged) return std::unexpected(judged.error());
  facts.certificate_names = judged->names;
  facts.name_matches = judged->name_matches;
  facts.untrusted = judged->untrusted;
  facts.certificate_warnings = judged->warnings;
  return {};
}

void ask_for_status(doctor::HostFacts& facts, TlsWire& wire) {
  const std::string authority =
      facts.port == 443 ? facts.host : fmt::format("{}:{}", facts.host, facts.port);
  const std::string request = fmt::format(
      "GET /api/client/v2/status HTTP/1.1\r\nHost: {}\r\nUser-Agent: rproxyd-doctor\r\n"
      "Connection: close\r\n\r\n",
      authority);
  const auto sent = wire.write(request);
  const auto answer = sent ? wire.read_to_end() : std::unexpected(sent.error());
  if (!answer) {
    facts.http_problem = answer.error().text;
    return;
  }
  constexpr std::string_view kBegin = "HTTP/1.1 ";
  const std::string_view text = *answer;
  const bool is_http = text.starts_with(kBegin) && text.size() > kBegin.size() + 3;
  const char* code = text.data() + kBegin.size();
  if (!is_http || std::from_chars(code, code + 3, facts.status).ec != std::errc()) {
    facts.http_problem = "that is not HTTP";
    return;
  }
  const auto body = text.find("\r\n\r\n");
  if (body != std::string_view::npos) facts.body = text.substr(body + 4, kMaxKept);
}

} // namespace

doctor::HostFacts ask_host(dns::Resolver& resolver, const std::string& host, std::uint16_t port,
                           const std::string& ca_file) {
  doctor::HostFacts facts;
  facts.host = host;
  facts.port = port;
  const auto addresses = resolver.addresses(host);
  if (!addresses) {
    facts.lookup_problem = addresses.error().text;
    return facts;
  }
  std::optional<event::Fd> connected;
  for (const core::IpAddress& address : addresses->list) {
    const core::SocketAddress to(address, port);
    auto fd = connect_tcp(to);
    facts.attempts.push_back({to.to_string(), fd ? "" : fd.error().text});
    if (fd && !connected) connected = std::move(*fd);
  }
  if (!connected) return facts;

  auto context = tls::ClientContext::make({});
  auto ssl = context ? (*context)->connect(facts.name(), host) : nullptr;
  if (!ssl) {
    facts.tls_problem = "no TLS client can be made";
    return facts;
  }
  TlsWire wire(std::move(*connected), std::move(ssl));
  if (const auto made = make_handshake(facts, wire, ca_file); !made) {
    facts.tls_problem = made.error().text;
    return facts;
  }
  ask_for_status(facts, wire);
  return facts;
}

} // namespace rproxyd::probe
