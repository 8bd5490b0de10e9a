#include "turnd/shell/dtls_listener.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libcore/event/socket.h"
#include "turnd/shell/socket_options.h"
#include "turnd/shell/system_random.h"
#include "turnd/shell/worker.h"

namespace turnd {
namespace {

tls::HelloCookies::Key random_key() {
  tls::HelloCookies::Key key;
  SystemRandom().fill(key);
  return key;
}

} // namespace

DtlsListener::DtlsListener(Worker& worker, event::Fd fd, std::shared_ptr<const Listener> listener)
    : worker_(worker),
      fd_(std::move(fd)),
      listener_(std::move(listener)),
      address_(event::local_address(fd_.get())),
      wildcard_(address_.ip().is_unspecified()),
      cookies_(random_key()),
      sealed_(std::make_unique_for_overwrite<std::uint8_t[]>(kSealedBytes)) {
  want_large_buffers(fd_.get());
  want_ip_fields(fd_.get(), address_.family());
  if (wildcard_) want_destination(fd_.get(), address_.family());
  watch_.emplace(worker_.loop(), fd_.get(), static_cast<event::ReadyHandler&>(*this));
}

DtlsListener::~DtlsListener() = default;

void DtlsListener::on_ready(event::Readiness) {
  FiveTuple five_tuple{.transport = Transport::dtls, .client = {}, .server = address_};
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    DatagramBuffers& buffers = worker_.buffers_with_room();
    const std::size_t room = buffers.free();
    const auto batch = buffers.receive(fd_.get(), room);
    for (const auto& datagram : batch) {
      five_tuple.client = datagram.from;
      if (datagram.to) five_tuple.server = {*datagram.to, address_.port()};
      receive(five_tuple, datagram.payload, datagram.ip);
    }
    if (batch.size() < room) return; // the socket is empty
  }
}

void DtlsListener::receive(const FiveTuple& five_tuple, core::MutableBytes datagram,
                           const IpFields& ip) {
  const auto found = clients_.find(five_tuple);
  DtlsClient* client = found == clients_.end() ? nullptr : found->second.get();
  const auto hello = tls::parse_client_hello(datagram);
  if (client == nullptr && !hello && hand_on(five_tuple, datagram, ip)) return;
  if (hello && (client == nullptr || !client->began_with(*hello))) {
    client = greet(five_tuple, *hello, client);
  }
  if (client != nullptr) client->receive(datagram, ip);
}

// The session for the hello of a client that has proven its address. A client that comes back at the
// address of a session gives that one up, once it has shown that it is there (RFC 6347 section 4.2.8).
DtlsClient* DtlsListener::greet(const FiveTuple& five_tuple, const tls::ClientHello& hello,
                                DtlsClient* former) {
  if (!accepting_ || (departing_ && !covered_)) return nullptr;
  const core::Now& now = worker_.loop().now();
  if (!cookies_.brings_its_cookie(hello, five_tuple.client, five_tuple.server, now.steady)) {
    ask_for_cookie(five_tuple, hello);
    return nullptr;
  }
  worker_.give_back_answer(five_tuple.client.ip());
  if (former != nullptr) former->close();
  if (!has_room_for_another()) {
    ++figures_.refused;
    worker_.log().warning("connection.refused", "too many DTLS clients without an allocation",
                          logging::field("client", five_tuple.client));
    return nullptr;
  }
  auto client = std::make_unique<DtlsClient>(worker_, *this, five_tuple);
  if (!client->start(listener_->tls, hello)) return nullptr;
  ++count_of(client->stage());
  ++figures_.accepted;
  elsewhere_.erase(five_tuple); // it has begun anew, here
  return clients_.emplace(five_tuple, std::move(client)).first->second.get();
}

void DtlsListener::ask_for_cookie(const FiveTuple& five_tuple, const tls::ClientHello& hello) {
  if (!worker_.admit_answer(five_tuple.client.ip())) return;
  const auto request =
      cookies_.ask(hello, five_tuple.client, five_tuple.server, worker_.loop().now().steady);
  send_sealed(five_tuple, request, {});
}

bool DtlsListener::has_room_for_another() const {
  const std::size_t handshakes = counts_[static_cast<std::size_t>(DtlsClient::Stage::handshake)];
  const std::size_t idle = counts_[static_cast<std::size_t>(DtlsClient::Stage::unproven)];
  return handshakes < kMaxHandshakes && handshakes + idle < kMaxUnprovenClients;
}

std::optional<core::IpAddress> DtlsListener::source_of(const FiveTuple& five_tuple) const {
  return wildcard_ ? std::optional(five_tuple.server.ip()) : std::nullopt;
}

void DtlsListener::send_sealed(const FiveTuple& to, core::Bytes datagram, const IpFields& ip) {
  if (datagram.size() > kSealedBytes) return lose_one(); // no record is that long
  if (batch_.full() || kSealedBytes - sealed_size_ < datagram.size()) flush();
  std::uint8_t* place = sealed_.get() + sealed_size_;
  std::ranges::copy(datagram, place);
  sealed_size_ += datagram.size();
  batch_.add({.fd = fd_.get(),
              .to = to.client,
              .payload = {place, datagram.size()},
              .ip = ip,
              .from = source_of(to)});
  worker_.flush_at_end();
}

void DtlsListener::keep(std::shared_ptr<const Listener> listener) {
  listener_ = std::move(listener);
  departing_ = false;
  emptied_ = false;
  covered_ = false;
}

void DtlsListener::depart(bool covered) {
  departing_ = true;
  covered_ = covered;
}

bool DtlsListener::is_over() {
  if (covered_) return false;
  if (!emptied_ && clients_.empty()) {
    emptied_ = true;
    listener_->departure->emptied();
  }
  return listener_->departure->is_over();
}

void DtlsListener::flush() {
  batch_.flush();
  sealed_size_ = 0;
}

void DtlsListener::stage_changed(DtlsClient::Stage from, DtlsClient::Stage to) {
  --count_of(from);
  ++count_of(to);
  if (from == DtlsClient::Stage::handshake) ++figures_.handshakes;
}

void DtlsListener::closed(DtlsClient& client) {
  const auto found = clients_.find(client.five_tuple());
  --count_of(client.stage());
  if (client.stage() == DtlsClient::Stage::handshake) ++figures_.failed_handshakes;
  worker_.datagram_client_gone(client.five_tuple());
  worker_.loop().retire(std::move(found->second));
  clients_.erase(found);
}

void DtlsListener::close_all() {
  std::vector<DtlsClient*> all;
  all.reserve(clients_.size());
  for (const auto& [five_tuple, client] : clients_) all.push_back(client.get());
  for (DtlsClient* client : all) client->close();
  flush();
}

SendLosses DtlsListener::losses() const {
  SendLosses losses = batch_.losses();
  losses.by_reason[static_cast<std::size_t>(SendLosses::Reason::other)] += unsealed_;
  return losses;
}

ListenerFigures DtlsListener::figures() const {
  ListenerFigures figures{.transport = Transport::dtls,
                          .address = address_,
                          .clients = figures_,
                          .queue_drops = queue_drops(fd_.get())};
  figures.clients.now = clients_.size();
  return figures;
}

// ---- other processes

core::Result<std::vector<DtlsListener::Elsewhere>> DtlsListener::leave() {
  std::vector<Elsewhere> groups;
  if (!clients_.empty()) {
    auto ends = open_dtls_passage();
    if (!ends) return std::unexpected(ends.error());
    passed_ = std::make_unique<Passed>(*this, std::move(ends->first));
    leaving_passage_ = std::move(ends->second);
    Elsewhere& own = groups.emplace_back();
    own.passage = leaving_passage_.get();
    for (const auto& [five_tuple, client] : clients_) own.clients.push_back(five_tuple);
  }
  for (std::size_t i = 0; i < passages_.size(); ++i) {
    if (!passages_[i]) continue;
    Elsewhere group{.clients = {}, .passage = passages_[i].get()};
    for (const auto& [five_tuple, passage] : elsewhere_) {
      if (passage == i) group.clients.push_back(five_tuple);
    }
    if (!group.clients.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

void DtlsListener::stay() {
  passed_.reset();
  leaving_passage_.reset();
}

void DtlsListener::let_go() {
  accepting_ = false;
  watch_.reset();
  passages_.clear();
  elsewhere_.clear();
  leaving_passage_.reset();
  if (passed_ && !passed_->watch()) close_all();
}

void DtlsListener::hand_on_to(event::Fd passage, const std::vector<FiveTuple>& clients) {
  for (const FiveTuple& five_tuple : clients) elsewhere_[five_tuple] = passages_.size();
  passages_.push_back(std::move(passage));
}

// Whose session is in another process: its datagrams go there. That process tells of none that has
// ended; when it has ended itself, so have they all.
bool DtlsListener::hand_on(const FiveTuple& five_tuple, core::Bytes datagram, const IpFields& ip) {
  if (elsewhere_.empty()) return false;
  const auto found = elsewhere_.find(five_tuple);
  if (found == elsewhere_.end()) return false;
  const std::size_t passage = found->second;
  switch (turnd::hand_on(passages_[passage].get(), five_tuple, datagram, ip)) {
    case HandedOn::yes:
      break;
    case HandedOn::lost:
      ++unsealed_;
      break;
    case HandedOn::ended:
      passages_[passage].reset();
      std::erase_if(elsewhere_, [&](const auto& each) { return each.second == passage; });
  }
  return true;
}

DtlsListener::Passed::~Passed() {
  if (watched_) listener_.worker_.loop().poller().remove(fd_.get(), *this);
}

bool DtlsListener::Passed::watch() {
  watched_ = listener_.worker_.loop().poller().add(fd_.get(), event::Interest::read,
                                                   event::Trigger::level, *this);
  return watched_;
}

void DtlsListener::Passed::on_ready(event::Readiness) {
  DatagramBuffers& buffers = listener_.worker_.buffers_with_room();
  for (const auto& message : buffers.receive(fd_.get(), buffers.free())) {
    const auto passed = parse_passed(message.payload);
    if (passed) {
      listener_.receive(passed->five_tuple, passed->datagram, passed->ip);
      continue;
    }
    // Nobody is left who hears our clients.
    listener_.worker_.loop().poller().remove(fd_.get(), *this);
    watched_ = false;
    return listener_.close_all();
  }
}

} // namespace turnd
