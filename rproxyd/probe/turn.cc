#include "rproxyd/probe/turn.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>
#include <utility>

#include "libcore/stun/builder.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "rproxyd/probe/wire.h"

namespace rproxyd::probe {
namespace {

constexpr int kTries = 4; // RFC 8489 section 6.2.1 doubles the wait with each
constexpr std::chrono::milliseconds kFirstWait{300};
constexpr std::uint32_t kUdp = std::uint32_t{stun::kTransportUdp} << 24;

class TurnWire {
 public:
  explicit TurnWire(event::Fd fd) : fd_(std::move(fd)) {}

  // Sends what `fill` makes of the request until its answer comes. The answer is borrowed until the
  // next request.
  template <typename Fill>
  core::Result<stun::Message> ask(stun::Method method, Fill&& fill) {
    stun::TransactionId id;
    RAND_bytes(id.data(), id.size());
    std::array<std::uint8_t, 1024> room{};
    stun::MessageBuilder builder(room, method, stun::Class::request, id);
    fill(builder);
    const core::Bytes request = builder.finish();
    std::string why = "no answer in time";
    auto wait = kFirstWait;
    for (int i = 0; i < kTries; ++i, wait *= 2) {
      if (auto sent = send_all(fd_.get(), request); !sent) {
        why = sent.error().text;
        continue;
      }
      const auto size = receive(fd_.get(), answer_, wait);
      if (!size) {
        why = size.error().text;
        continue;
      }
      auto message = stun::Message::parse(core::Bytes(answer_).first(*size));
      if (message && message->transaction_id() == id) return *message;
    }
    return core::failure(why);
  }

 private:
  event::Fd fd_;
  std::array<std::uint8_t, 2048> answer_{};
};

// 200 for success, as nobody answers with it.
int code_of(const stun::Message& answer) {
  if (answer.message_class() == stun::Class::success) return 200;
  const auto value = answer.find(stun::Attribute::error_code);
  if (!value || value->size() < 4) return 0;
  return ((*value)[2] & 0x7) * 100 + (*value)[3]; // RFC 8489 section 14.8
}

std::string address_in(const stun::Message& answer, stun::Attribute type) {
  const auto value = answer.find(type);
  const auto address =
      value ? stun::decode_xor_address(*value, answer.transaction_id()) : std::nullopt;
  return address ? address->to_string() : "";
}

void try_credentials(doctor::TurnFacts& facts, TurnWire& wire, const TurnCredentials& credentials,
                     const std::string& nonce) {
  facts.credentials_tried = true;
  const stun::Key key =
      stun::long_term_key_md5(credentials.user, facts.realm, credentials.password.reveal());
  const auto sign = [&](stun::MessageBuilder& request) {
    request.add_text(stun::Attribute::username, credentials.user);
    request.add_text(stun::Attribute::realm, facts.realm);
    request.add_text(stun::Attribute::nonce, nonce);
    request.sign(key.bytes());
  };
  const auto allocated = wire.ask(stun::Method::allocate, [&](stun::MessageBuilder& request) {
    request.add_u32(stun::Attribute::requested_transport, kUdp);
    sign(request);
  });
  if (!allocated) {
    facts.credentials_problem = allocated.error().text;
    return;
  }
  if (const int code = code_of(*allocated); code != 200) {
    facts.credentials_problem = fmt::format("it answers {}", code);
    return;
  }
  facts.relayed = address_in(*allocated, stun::Attribute::xor_relayed_address);
  const auto given_back = wire.ask(stun::Method::refresh, [&](stun::MessageBuilder& request) {
    request.add_u32(stun::Attribute::lifetime, 0);
    sign(request);
  });
  if (!given_back) facts.credentials_problem = given_back.error().text;
}

} // namespace

doctor::TurnFacts ask_turn(dns::Resolver& resolver, const std::string& host, std::uint16_t port,
                           const std::optional<TurnCredentials>& credentials) {
  doctor::TurnFacts facts;
  facts.server = fmt::format("{}:{}", host, port);
  const auto addresses = resolver.addresses(host);
  if (!addresses) {
    facts.lookup_problem = addresses.error().text;
    return facts;
  }
  const core::SocketAddress to(addresses->list.front(), port);
  facts.address = to.to_string();
  auto fd = connect_udp(to);
  if (!fd) {
    facts.binding_problem = fd.error().text;
    return facts;
  }
  TurnWire wire(std::move(*fd));
  const auto bound = wire.ask(stun::Method::binding, [](stun::MessageBuilder&) {});
  if (!bound) {
    facts.binding_problem = bound.error().text;
    return facts;
  }
  facts.mapped = address_in(*bound, stun::Attribute::xor_mapped_address);
  const auto refused = wire.ask(stun::Method::allocate, [](stun::MessageBuilder& request) {
    request.add_u32(stun::Attribute::requested_transport, kUdp);
  });
  if (!refused) {
    facts.allocate_problem = refused.error().text;
    return facts;
  }
  facts.allocate_code = code_of(*refused);
  facts.realm = refused->text(stun::Attribute::realm).value_or("");
  const std::string nonce(refused->text(stun::Attribute::nonce).value_or(""));
  if (credentials && facts.allocate_code == 401) try_credentials(facts, wire, *credentials, nonce);
  return facts;
}

} // namespace rproxyd::probe
