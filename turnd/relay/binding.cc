#include <algorithm>

#include "turnd/relay/server.h"

namespace turnd {
namespace {

using stun::Attribute;
using stun::ErrorCode;

constexpr std::array kKnownInBinding{Attribute::username, Attribute::message_integrity,
                                     Attribute::realm,    Attribute::nonce,
                                     Attribute::userhash, Attribute::password_algorithm};
constexpr std::array kDiscovery{Attribute::change_request, Attribute::padding,
                                Attribute::response_port};

constexpr std::array kKnownWithDiscovery = [] {
  std::array<Attribute, kKnownInBinding.size() + kDiscovery.size()> all{};
  std::ranges::copy(kDiscovery, std::ranges::copy(kKnownInBinding, all.begin()).out);
  return all;
}();

constexpr std::size_t kFingerprintBytes = 8;
constexpr std::array<std::uint8_t, kMaxPadding> kZeros{};

} // namespace

// RFC 8489 section 6.3.1: anybody may ask where they are seen from.
Decision Server::binding(Request& request) {
  const FiveTuple& five_tuple = *request.to.five_tuple;
  if (!config_.stun_clients.contains(five_tuple.client.ip())) {
    return drop(DropReason::forbidden_client);
  }
  if (!may_answer_unauthenticated(request)) return drop(DropReason::limited);

  const auto* quartet =
      five_tuple.transport == Transport::udp ? discovery_.find(five_tuple.server) : nullptr;
  const stun::UnknownAttributes unknown(
      request.message, quartet != nullptr ? std::span<const Attribute>(kKnownWithDiscovery)
                                          : std::span<const Attribute>(kKnownInBinding));
  if (!unknown.empty()) {
    return answers_.error(request.to, ErrorCode::unknown_attribute,
                          [&](auto& answer) { answer.add_unknown_attributes(unknown.types()); });
  }
  if (quartet != nullptr) return binding_with_discovery(request, *quartet);
  return answers_.success(request.to, [&](auto& answer) {
    answer.add_xor_address(Attribute::xor_mapped_address, five_tuple.client);
  });
}

// RFC 5780 section 6.1. Three addresses are what an answer has to carry: over IPv6 it is a little more
// than twice as long on the wire as the barest request.
Decision Server::binding_with_discovery(Request& request,
                                        const BehaviourDiscovery::Quartet& quartet) {
  const auto wishes = read_discovery_wishes(request.message);
  if (!wishes) return refuse(request, wishes.error());
  const UdpListenerAddress& origin = quartet.changed(wishes->change_ip, wishes->change_port);
  const core::SocketAddress client = request.to.five_tuple->client;
  changed_five_tuple_ = *request.to.five_tuple;
  changed_five_tuple_.server = origin.own;
  if (wishes->response_port != 0) {
    changed_five_tuple_.client = client.with_port(wishes->response_port);
  }
  request.to.five_tuple = &changed_five_tuple_;

  auto decision = answers_.success(request.to, [&](auto& answer) {
    answer.add_xor_address(Attribute::xor_mapped_address, client);
    answer.add_address(Attribute::response_origin, origin.advertised);
    answer.add_address(Attribute::other_address, quartet.other.advertised);
    const std::size_t padding =
        padding_for(*wishes, request.message.bytes().size(),
                    answer.size() + (request.to.fingerprint ? kFingerprintBytes : 0));
    if (padding > 0) answer.add(Attribute::padding, core::Bytes(kZeros).first(padding));
  });
  if (auto* answer = std::get_if<ToClient>(&decision)) {
    answer->from_other_listener = wishes->change_ip || wishes->change_port;
  }
  return decision;
}

} // namespace turnd
