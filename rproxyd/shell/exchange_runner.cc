#include "rproxyd/shell/exchange_runner.h"

#include <openssl/rand.h>

#include <utility>

#include "rproxyd/guard/guard_answer.h"
#include "rproxyd/shell/client_connection.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {
namespace {

constexpr std::uint16_t kForbidden = 403;
constexpr std::uint16_t kRequestTimeout = 408;
constexpr std::uint16_t kTooManyRequests = 429;

} // namespace

ExchangeRunner::ExchangeRunner(Worker& worker, ClientConnection& client,
                               std::shared_ptr<const Generation> generation,
                               const ExchangeRules& rules, ClientSession& session, StreamId stream,
                               RequestHead& request, const ClientIdentity& identity)
    : worker_(worker),
      client_(client),
      generation_(std::move(generation)),
      session_(session),
      stream_(stream),
      request_(request),
      identity_(identity),
      guarded_(generation_->guard != nullptr && !rules.redirect_https),
      exchange_(*this, rules, session, stream, request, identity) {
  worker_.figures().note_request(request.version);
}

// ---- before the exchange: the PIN guard

void ExchangeRunner::begin(bool request_ended) {
  request_ended_ = request_ended;
  if (!guarded_) return exchange_.start(request_ended);
  // A route may give a request for a token another path: what the node sees is what counts.
  auto room = generation_->token_paths.room_of(
      generation_->routes.guarded_target(request_.target, request_.authority, request_.method));
  const auto ban = client_.ban_of(identity_);
  if (ban && (room || !ban->tokens_only)) return refuse_banned(*ban);
  if (!room) return exchange_.start(request_ended);
  hold(*std::move(room));
}

void ExchangeRunner::hold(std::string room) {
  // No tunnel begins with a token, and what a tunnel carries could not be looked at.
  if (!std::exchange(request_.upgrade, {}).empty() && request_.version == Version::http_2) {
    return exchange_.turn_away(error_answer(generation_->answers, kForbidden,
                                            "There is no WebSocket here.", exchange_.request_id()),
                               "a WebSocket where tokens are asked for");
  }
  TokenGate& gate =
      gate_.emplace(*generation_->guard, identity_.address, std::move(room), request_, wake());
  held_ = Held::reading;
  if (request_ended_) {
    gate.request_end();
    return ask_gate(gate);
  }
  // The body is wanted now, before a node is chosen.
  if (std::exchange(request_.expect_continue, false)) session_.send_continue(stream_);
  arm(generation_->settings.timeouts.body);
}

// May be called when the exchange has ended, and when its worker has.
TokenDesk::Wake ExchangeRunner::wake() {
  return [door = worker_.door(), self = std::weak_ptr(self_)] {
    door->post([self] {
      const auto there = self.lock();
      if (!there) return;
      ExchangeRunner& runner = **there;
      if (runner.held_ != Held::waiting || !runner.gate_) return;
      runner.ask_gate(*runner.gate_);
      runner.client_.flush_later();
    });
  };
}

void ExchangeRunner::request_body(core::Bytes bytes) {
  if (gate_ && held_ == Held::reading) gate_->request_body(bytes);
  exchange_.on_request_body(bytes); // keeps it while nothing has started
  if (!gate_ || held_ != Held::reading) return;
  if (gate_->ready())
    ask_gate(*gate_); // all that it looks at comes within the time that hold() set
}

void ExchangeRunner::request_end(const FieldList& trailers) {
  request_ended_ = true;
  exchange_.on_request_end(trailers);
  if (!gate_ || held_ != Held::reading) return;
  gate_->request_end();
  ask_gate(*gate_);
}

void ExchangeRunner::ask_gate(TokenGate& gate) {
  const Admission admission = gate.ask(now());
  switch (admission.kind) {
    case Admission::Kind::pass:
      held_ = Held::no;
      worker_.loop().cancel(deadline_);
      return exchange_.start(request_ended_);
    case Admission::Kind::wait:
    case Admission::Kind::asked:
      held_ = Held::waiting;
      return arm(admission.delay);
    case Admission::Kind::refuse:
      held_ = Held::no;
      return refuse_attempt(admission);
  }
}

void ExchangeRunner::refuse_attempt(const Admission& admission) {
  switch (admission.refusal) {
    case GuardRefusal::banned:
      return refuse_banned({.until = now().steady + admission.delay, .tokens_only = true});
    case GuardRefusal::room:
      return exchange_.turn_away(guard_answer(kTooManyRequests, admission.delay),
                                 "the room is under attack: newcomers wait");
    case GuardRefusal::exhausted:
      return exchange_.turn_away(guard_answer(kTooManyRequests, admission.delay),
                                 "no attempt at a PIN is left for a while");
  }
}

void ExchangeRunner::refuse_banned(const SharedGuard::BanNotice& ban) {
  const SharedGuard::Answer configured = generation_->settings.pin_guard.answer;
  // A proxy's connection carries others, too.
  if (configured == SharedGuard::Answer::close && !identity_.trusted) return client_.cut_off();
  const std::uint16_t status =
      configured == SharedGuard::Answer::too_many_requests ? kTooManyRequests : kForbidden;
  exchange_.turn_away(guard_answer(status, ban.until - now().steady), "the client is banned");
}

// ---- what the exchange asks for

const core::Now& ExchangeRunner::now() const { return worker_.loop().now(); }
std::string_view ExchangeRunner::http_date() const { return worker_.http_date(); }
core::ChunkPool& ExchangeRunner::pool() { return worker_.buffers().pool; }

std::string ExchangeRunner::fresh_request_id() { return worker_.request_ids().next(); }

WebSocketNonce ExchangeRunner::random_nonce() {
  WebSocketNonce nonce;
  RAND_bytes(nonce.data(), nonce.size());
  return nonce;
}

std::optional<BackendId> ExchangeRunner::choose(const Route& route, const core::IpAddress& client,
                                                std::span<const BackendId> tried,
                                                std::optional<BackendKey> wanted) {
  return generation_->pools[route.pool]->choose(client, tried, wanted, now().steady);
}

BackendKey ExchangeRunner::backend_key(const Route& route, BackendId backend) const {
  return generation_->pools[route.pool]->backend(backend)->key;
}

bool ExchangeRunner::may_retry(const Route& route) {
  const bool may = generation_->pools[route.pool]->may_retry(now().steady);
  PoolFigures& figures = worker_.figures().pool(route.target);
  ++(may ? figures.retries : figures.retries_refused);
  return may;
}

std::string ExchangeRunner::backend_name(const Route& route, BackendId backend) const {
  return generation_->pools[route.pool]->backend(backend)->name;
}

void ExchangeRunner::connect(const Route& route, BackendId backend, bool fresh, bool tunnel) {
  count_exchange(false);
  pool_ = generation_->pools[route.pool];
  backend_ = backend;
  count_exchange(true);
  need_ = {.fresh = fresh, .tunnel = tunnel, .client = endpoints()};
  open_connection();
}

// What is said of the client behind a trusted proxy has no port.
proxy_protocol::Endpoints ExchangeRunner::endpoints() const {
  const bool is_peer = identity_.address == identity_.peer.ip().canonical() ||
                       identity_.address == identity_.peer.ip();
  return {.source = is_peer ? identity_.peer : core::SocketAddress(identity_.address, 0),
          .destination = client_.local()};
}

void ExchangeRunner::open_connection() {
  connect_begun_ = now().steady;
  connecting_ = worker_.backends().connect(pool_, backend_, need_, *this, refusal_);
  refused_ = connecting_ == nullptr;
  if (refused_) worker_.loop().run_at_end(refuse_task_);
}

void ExchangeRunner::cancel_connect() {
  refused_ = false;
  if (connecting_ != nullptr) std::exchange(connecting_, nullptr)->cancel();
}

void ExchangeRunner::arm(core::Duration delay) { worker_.loop().set_after(deadline_, delay); }

std::expected<std::unique_ptr<FileSource>, OpenFailure> ExchangeRunner::open_file(
    const std::string& folder, const std::string& path) {
  return worker_.files().open(folder, path, [this] {
    exchange_.on_file_ready();
    client_.flush_later();
  });
}

void ExchangeRunner::lasts(Lasting kind) {
  ++worker_.figures().lasting_open[static_cast<std::size_t>(kind)];
  ++worker_.figures().lasting_begun[static_cast<std::size_t>(kind)];
}

void ExchangeRunner::ended() {
  count_exchange(false);
  worker_.loop().cancel(deadline_);
  if (gate_) gate_->closed(exchange_.client_broke_off(), now());
  worker_.figures().note(exchange_.summary());
  worker_.log_exchange(exchange_);
  if (exchange_.body_stood_still()) client_.note_abuse(Abuse::slow_bodies);
  if (exchange_.client_took_nothing()) client_.note_abuse(Abuse::slow_readers);
  client_.exchange_ended(exchange_.stream());
}

void ExchangeRunner::count_exchange(bool begins) {
  if (counted_ == begins) return;
  counted_ = begins;
  SharedPool& shared = *pool_;
  asked_.reset();
  if (begins) return shared.exchange_begun(backend_);
  const SharedPool::Attempt attempt{
      .outcome = std::exchange(outcome_, BackendPool::Outcome::unknown),
      .head_after = std::exchange(head_after_, std::nullopt)};
  if (shared.exchange_ended(backend_, attempt, now().steady)) {
    worker_.backend_rests(*pool_, backend_, SharedPool::kBreaksOff);
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
  asked_ = now().steady;
  if (!reused) {
    if (connect_begun_) {
      worker_.figures().pool(pool_->name()).connect.note(now().steady - *connect_begun_);
    }
    worker_.backend_reachable(*pool_, backend_);
  }
  if (gate_) gate_->reached_node();
  exchange_.link_open(link, reused);
  client_.flush_later();
}

void ExchangeRunner::link_failed(std::string_view why) {
  connecting_ = nullptr;
  worker_.backend_unreachable(*pool_, backend_, why);
  exchange_.link_failed(why);
  client_.flush_later();
}

void ExchangeRunner::link_stale() {
  need_.fresh = true;
  open_connection();
}

void ExchangeRunner::link_moved() {
  need_.fresh = false;
  open_connection();
}

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
  if (asked_ && !head_after_) head_after_ = now().steady - *asked_;
  if (gate_) {
    gate_->answer_head(head, now());
    if (end) gate_->answer_end(now());
  }
  exchange_.on_response(head, end);
  client_.flush_later();
}

void ExchangeRunner::on_response_body(core::Bytes bytes) {
  if (gate_) gate_->answer_body(bytes, now());
  exchange_.on_response_body(bytes);
  client_.flush_later();
}

void ExchangeRunner::on_response_end(const FieldList& trailers) {
  if (gate_) gate_->answer_end(now());
  exchange_.on_response_end(trailers);
  client_.flush_later();
}

void ExchangeRunner::on_failure(BackendFailure failure, std::string_view why) {
  exchange_.on_failure(failure, why);
  client_.flush_later();
}

void ExchangeRunner::on_deadline(int) {
  client_.flush_later();
  if (held_ != Held::no) return held_too_long();
  if (connecting_ != nullptr) worker_.backend_unreachable(*pool_, backend_, "connecting timed out");
  exchange_.on_time();
}

void ExchangeRunner::held_too_long() {
  if (gate_ && held_ == Held::waiting) return ask_gate(*gate_);
  held_ = Held::no;
  exchange_.turn_away(error_answer(generation_->answers, kRequestTimeout,
                                   "The request did not arrive in time.", exchange_.request_id()),
                      "request body timed out");
}

} // namespace rproxyd
