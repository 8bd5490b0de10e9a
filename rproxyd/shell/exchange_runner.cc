#include "rproxyd/shell/exchange_runner.h"

#include <openssl/rand.h>

#include <utility>

#include "rproxyd/shell/client_connection.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {

ExchangeRunner::ExchangeRunner(Worker& worker, ClientConnection& client, const ExchangeRules& rules,
                               ClientSession& session, StreamId stream, RequestHead& request,
                               const ClientIdentity& identity)
    : worker_(worker),
      client_(client),
      exchange_(*this, rules, session, stream, request, identity) {}

const core::Now& ExchangeRunner::now() const { return worker_.loop().now(); }
std::string_view ExchangeRunner::http_date() const { return worker_.http_date(); }
core::ChunkPool& ExchangeRunner::pool() { return worker_.buffers().pool; }

WebSocketNonce ExchangeRunner::random_nonce() {
  WebSocketNonce nonce;
  RAND_bytes(nonce.data(), nonce.size());
  return nonce;
}

// ---- what the exchange asks for

std::optional<BackendId> ExchangeRunner::choose(const Route& route, const core::IpAddress& client,
                                                std::span<const BackendId> tried,
                                                std::optional<BackendKey> wanted) {
  return worker_.service().pools[route.pool]->choose(client, tried, wanted, now().steady);
}

BackendKey ExchangeRunner::backend_key(const Route& route, BackendId backend) const {
  return worker_.service().pools[route.pool]->backend(backend)->key;
}

bool ExchangeRunner::may_retry(const Route& route) {
  return worker_.service().pools[route.pool]->may_retry(now().steady);
}

std::string ExchangeRunner::backend_name(const Route& route, BackendId backend) const {
  return worker_.service().pools[route.pool]->backend(backend)->name;
}

void ExchangeRunner::connect(const Route& route, BackendId backend, bool fresh) {
  count_exchange(false);
  pool_ = route.pool;
  backend_ = backend;
  count_exchange(true);
  open_connection(fresh);
}

void ExchangeRunner::open_connection(bool fresh) {
  connecting_ = worker_.backends().connect(pool_, backend_, fresh, *this, refusal_);
  refused_ = connecting_ == nullptr;
  if (refused_) worker_.loop().run_at_end(refuse_task_);
}

void ExchangeRunner::cancel_connect() {
  refused_ = false;
  if (connecting_ != nullptr) std::exchange(connecting_, nullptr)->detach_and_close();
}

void ExchangeRunner::arm(core::Duration delay) { worker_.loop().set_after(deadline_, delay); }

void ExchangeRunner::ended() {
  count_exchange(false);
  worker_.loop().cancel(deadline_);
  worker_.log_exchange(exchange_);
  client_.exchange_ended(exchange_.stream());
}

void ExchangeRunner::count_exchange(bool begins) {
  if (counted_ == begins) return;
  counted_ = begins;
  SharedPool& shared = *worker_.service().pools[pool_];
  if (begins) return shared.exchange_begun(backend_);
  const auto outcome = std::exchange(outcome_, BackendPool::Outcome::unknown);
  if (shared.exchange_ended(backend_, outcome, now().steady)) {
    worker_.backend_rests(pool_, backend_, "it breaks off one request after another");
  }
}

void ExchangeRunner::refuse_link() {
  if (!std::exchange(refused_, false)) return;
  if (!refusal_.shortage) return link_failed(refusal_.text);
  // Our own trouble: the node may be well, and its clients shall stay with it.
  exchange_.link_failed(refusal_.text);
  client_.flush_later();
}

// ---- what the exchange is told; each may leave something to send to the client

void ExchangeRunner::link_open(BackendLink& link, bool reused) {
  connecting_ = nullptr;
  if (!reused) worker_.backend_reachable(pool_, backend_);
  exchange_.link_open(link, reused);
  client_.flush_later();
}

void ExchangeRunner::link_failed(std::string_view why) {
  connecting_ = nullptr;
  worker_.backend_unreachable(pool_, backend_, why);
  exchange_.link_failed(why);
  client_.flush_later();
}

void ExchangeRunner::link_stale() { open_connection(true); }

void ExchangeRunner::link_broken(std::string_view why) {
  exchange_.link_broken(why);
  client_.flush_later();
}

void ExchangeRunner::link_drained() {
  exchange_.link_drained();
  client_.flush_later();
}

void ExchangeRunner::on_information(ResponseHead& head) {
  exchange_.on_information(head);
  client_.flush_later();
}

void ExchangeRunner::on_response(ResponseHead& head, bool end) {
  exchange_.on_response(head, end);
  client_.flush_later();
}

void ExchangeRunner::on_response_body(core::Bytes bytes) {
  exchange_.on_response_body(bytes);
  client_.flush_later();
}

void ExchangeRunner::on_response_end(const FieldList& trailers) {
  exchange_.on_response_end(trailers);
  client_.flush_later();
}

void ExchangeRunner::on_failure(BackendFailure failure, std::string_view why) {
  exchange_.on_failure(failure, why);
  client_.flush_later();
}

void ExchangeRunner::on_deadline(int) {
  if (connecting_ != nullptr) worker_.backend_unreachable(pool_, backend_, "connecting timed out");
  exchange_.on_time();
  client_.flush_later();
}

} // namespace rproxyd
