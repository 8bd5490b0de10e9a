#include "rproxyd/shell/client_connection.h"

#include <algorithm>
#include <utility>

#include "rproxyd/http/h1_client_session.h"
#include "rproxyd/http/h2_client_session.h"
#include "rproxyd/shell/worker.h"

namespace rproxyd {

ClientConnection::ClientConnection(Worker& worker, std::shared_ptr<const Generation> generation,
                                   ListenerId listener, const core::SocketAddress& peer,
                                   const core::SocketAddress& local,
                                   ConnectionLimits::Ticket ticket)
    : worker_(worker),
      listener_(listener),
      generation_(std::move(generation)),
      rules_(generation_->listener(listener)),
      limits_(generation_->limits),
      peer_(peer),
      local_(local),
      ticket_(std::move(ticket)),
      counted_(worker.figures(), worker.listener_figures(listener)) {}

ClientConnection::~ClientConnection() = default;

bool ClientConnection::start(event::Fd fd, std::shared_ptr<const tls::ServerContext> context) {
  secure_ = context != nullptr;
  stream_ = event::Stream::accepted(worker_.loop(), worker_.buffers(), std::move(fd), *this,
                                    std::move(context));
  if (!stream_) return false;
  stream_->count_in(worker_.figures().clients);
  accepted_at_ = worker_.loop().now().steady;
  stream_->set_low_water(kAnswerLowWater - 1); // where the session has drained
  stream_->set_reset_overtakes();              // what a client asks that has gone, nobody wants
  if (stream_->open()) {
    on_stream_open();
  } else {
    worker_.loop().set_after(deadline_, generation_->settings.timeouts.handshake);
  }
  return true;
}

// What the session has promised its client on HTTP/2, how many streams it may have, stays.
void ClientConnection::adopt(const std::shared_ptr<const Generation>& generation) {
  const ListenerRules* rules = generation->listener(listener_);
  leaving_ = rules == nullptr;
  if (leaving_) return;
  rules_ = rules;
  const auto streams = limits_.streams;
  limits_ = generation->limits;
  if (session_) limits_.streams = streams;
  generation_ = generation;
}

void ClientConnection::drain() {
  draining_ = true;
  if (turn_) return; // a call: it may go on for as long as the drain lasts
  if (!served_) {    // its first request may be on its way
    hurried_ = true;
    worker_.loop().set_after(deadline_, kFirstRequest);
    return leave();
  }
  told_to_leave_ = true;
  session_->drain();
  flush_later();
}

void ClientConnection::leave() {
  draining_ = true;
  if (!session_) return;
  session_->drain_gently();
  flush_later();
}

void ClientConnection::close() {
  if (stream_->closed()) return;
  stream_->close();
  worker_.loop().cancel(deadline_);
  turn_.reset();
  if (session_) session_->break_off();
  worker_.client_closed(*this);
}

// ---- the PIN guard

std::optional<SharedGuard::BanNotice> ClientConnection::ban_of(const ClientIdentity& identity) {
  SharedGuard& guard = *generation_->guard;
  const core::Now& now = worker_.loop().now();
  // Behind a trusted proxy each request may come from somebody else (proxy rule 14).
  if (identity.trusted) return guard.ban_of(identity.address, now);
  if (const auto version = guard.version(); version != ban_version_) {
    ban_version_ = version;
    ban_ = guard.ban_of(identity.address, now);
  }
  if (ban_ && ban_->until <= now.steady) ban_.reset();
  return ban_;
}

void ClientConnection::cut_off() {
  cut_off_ = true;
  flush_later();
}

// ---- from the stream

void ClientConnection::on_stream_open() {
  if (const tls::Session* session = stream_->tls()) {
    worker_.figures().tls.note(*session, worker_.loop().now().steady - accepted_at_);
  }
  // The first request's head is waited for no longer than any head.
  phase_ = Phase::reading_head;
  worker_.loop().set_after(deadline_,
                           hurried_ ? kFirstRequest : generation_->settings.timeouts.head);
  if (!rules_->settings.turn) make_session();
}

void ClientConnection::make_session() {
  Sink& sink = *this;
  ClientEvents& events = *this;
  if (secure_ && stream_->tls()->alpn() == "h2") {
    session_ = std::make_unique<H2ClientSession>(sink, events, limits_, worker_.buffers().pool);
    counted_.is(ConnectionKind::http_2);
  } else {
    counted_.is(ConnectionKind::http_1);
    session_ = std::make_unique<H1ClientSession>(sink, events, limits_);
  }
  if (draining_) session_->drain_gently();
  flush_later();
}

// Whatever the client said in its SNI and its ALPN: what it speaks, its first bytes tell.
void ClientConnection::tell_apart(core::Bytes bytes) {
  const std::size_t taken = std::min(bytes.size(), first_.size() - first_size_);
  std::ranges::copy(bytes.first(taken), first_.begin() + static_cast<std::ptrdiff_t>(first_size_));
  first_size_ += taken;
  const auto first = core::Bytes(first_).first(first_size_);
  switch (what_begins_with(first)) {
    case FirstBytes::undecided:
      return;
    case FirstBytes::turn:
      pass_turn_on(first);
      if (turn_) turn_->from_client(bytes.subspan(taken));
      return;
    case FirstBytes::http:
      make_session();
      session_->feed(first, worker_.loop().now());
      if (taken < bytes.size()) session_->feed(bytes.subspan(taken), worker_.loop().now());
      if (!session_->wants_input()) stream_->pause();
      return flush_later();
  }
}

void ClientConnection::pass_turn_on(core::Bytes first) {
  const auto& turn = rules_->settings.turn;
  if (!turn) return close();
  const core::SocketAddress& turnd = *turn;
  event::Traffic& traffic = worker_.figures().turn;
  turn_ = TurnPassage::begin(worker_.loop(), worker_.buffers(), *stream_, *this, traffic, turnd,
                             peer_, local_);
  if (!turn_) {
    worker_.turn_unreachable(turnd, "no connection can be made");
    return close();
  }
  counted_.is(ConnectionKind::turn);
  ++worker_.figures().turn_begun;
  enter(Phase::passing_turn);
  turn_->from_client(first);
}

// Nothing comes for it any more: it gets what was sent before, and then the end.
void ClientConnection::on_turn_end(std::string_view why) {
  if (ending()) return;
  const auto& turnd = rules_->settings.turn;
  if (turnd && !why.empty()) worker_.turn_unreachable(*turnd, why);
  finish_stream();
}

void ClientConnection::finish_stream() {
  stream_->resume();
  stream_->shut_down();
  enter(Phase::finishing);
  if (stream_->fully_sent()) linger();
}

void ClientConnection::on_stream_data(core::MutableBytes bytes) {
  if (ending()) return;
  if (turn_) {
    enter(Phase::passing_turn);
    return turn_->from_client(bytes);
  }
  if (!session_) return tell_apart(bytes);
  session_->feed(bytes, worker_.loop().now());
  if (!session_->wants_input()) stream_->pause();
  flush_later();
}

void ClientConnection::on_stream_drained() {
  if (phase_ == Phase::passing_turn) return turn_->client_drained();
  if (!ending()) return flush_later();
  if (phase_ == Phase::finishing && stream_->fully_sent()) linger();
}

void ClientConnection::on_stream_end(event::StreamEnd end, std::string_view why) {
  if (phase_ == Phase::handshaking) note_failed_handshake(end, why);
  // A tunnel goes on in the other direction, and a finished one sends what there is left.
  if (end != event::StreamEnd::clean || !session_ || ending() || !session_->feed_end()) {
    return close();
  }
  client_ended_ = true;
  flush_later();
}

void ClientConnection::flush_later() {
  if (!stream_->closed()) worker_.loop().run_at_end(flush_task_);
}

void ClientConnection::flush() {
  if (stream_->closed() || !session_ || ending()) return;
  if (cut_off_) return close();
  session_->flush(worker_.loop().now());
  if (session_->finished()) {
    if (session_->broken()) {
      stream_->abort();
      worker_.loop().cancel(deadline_);
      return worker_.client_closed(*this);
    }
    return finish_stream();
  }
  if (session_->wants_input()) stream_->resume();
  const Phase phase = phase_of_session();
  // The time-out of a head runs from its first byte: more bytes don't prolong it.
  if (phase != phase_ &&
      !(phase == Phase::idle && phase_ == Phase::reading_head && exchanges_.empty() && !served_)) {
    enter(phase);
  }
}

// Our end has gone out. The client's is waited for, unless it has come.
void ClientConnection::linger() { client_ended_ ? close() : enter(Phase::lingering); }

ClientConnection::Phase ClientConnection::phase_of_session() const {
  if (session_->reading_head()) return Phase::reading_head;
  if (session_->idle()) return Phase::idle;
  return exchanges_.empty() ? Phase::discarding : Phase::busy;
}

void ClientConnection::enter(Phase phase) {
  phase_ = phase;
  const auto& timeouts = generation_->settings.timeouts;
  switch (phase) {
    case Phase::handshaking:
      return worker_.loop().set_after(deadline_, timeouts.handshake);
    case Phase::idle:
      return worker_.loop().set_after(deadline_, timeouts.keep_alive);
    case Phase::reading_head:
      return worker_.loop().set_after(deadline_, timeouts.head);
    case Phase::busy:
      return worker_.loop().cancel(deadline_);
    case Phase::discarding:
      left_ = stream_->pending();
      return worker_.loop().set_after(deadline_, timeouts.body);
    case Phase::passing_turn:
      return worker_.loop().set_after(deadline_, timeouts.stream_idle);
    case Phase::finishing:
      left_ = stream_->pending();
      return worker_.loop().set_after(deadline_, timeouts.body);
    case Phase::lingering:
      return worker_.loop().set_after(deadline_, kLinger);
  }
}

void ClientConnection::on_deadline(int) {
  if (phase_ == Phase::idle && session_ && !told_to_leave_) {
    // A client that is just sending its next request is told to use another connection. One that
    // says nothing to it (HTTP/2: leaves a ping unanswered) is waited for once.
    drain();
    return worker_.loop().set_after(deadline_, generation_->settings.timeouts.head);
  }
  // A client that takes something gets the rest, unless it is slower than is allowed.
  if ((phase_ == Phase::finishing || phase_ == Phase::discarding) && takes_enough())
    return enter(phase_);
  note_abuse_of_time();
  // Its answer has been sent, and may still have to be read.
  phase_ == Phase::discarding ? finish_stream() : close();
}

// Since enter(), timeouts.body ago.
bool ClientConnection::takes_enough() const {
  if (stream_->pending() >= left_) return false;
  const Settings& settings = generation_->settings;
  if (rules_->exchange.rates.download == 0) return true;
  const auto taken = static_cast<double>(left_ - stream_->pending());
  return taken >= static_cast<double>(rules_->exchange.rates.download) *
                      std::chrono::duration<double>(settings.timeouts.body).count();
}

void ClientConnection::note_abuse_of_time() {
  if (phase_ == Phase::handshaking) {
    worker_.figures().tls.note(tls::FailureKind::timeout);
    note_abuse(Abuse::slow_handshakes);
  }
  if (phase_ == Phase::reading_head && session_ && session_->reading_head())
    note_abuse(Abuse::slow_heads);
  if (phase_ == Phase::discarding) note_abuse(Abuse::slow_bodies);
  if (phase_ == Phase::finishing) note_abuse(Abuse::slow_readers);
}

void ClientConnection::note_failed_handshake(event::StreamEnd end, std::string_view why) {
  worker_.figures().tls.note(end == event::StreamEnd::tls ? tls::failure_kind(why)
                                                          : tls::FailureKind::closed);
}

void ClientConnection::note_abuse(Abuse kind) { worker_.note_abuse(kind, peer_); }

// ---- from the session

void ClientConnection::on_request(StreamId stream, RequestHead& head, bool end) {
  served_ = true;
  if (leaving_) session_->drain();
  // Even if it is answered within this wake-up: the client was not idle.
  if (phase_ != Phase::busy) enter(Phase::busy);
  const ClientIdentity identity =
      identify_client(head.fields, peer_, secure_, generation_->settings.trusted_proxies);
  auto runner = std::make_unique<ExchangeRunner>(worker_, *this, generation_, rules_->exchange,
                                                 *session_, stream, head, identity);
  ExchangeRunner& begun = *runner;
  exchanges_.emplace(static_cast<std::uint32_t>(stream), std::move(runner));
  begun.begin(end);
}

void ClientConnection::on_request_body(StreamId stream, core::Bytes bytes) {
  if (ExchangeRunner* runner = find(stream)) runner->request_body(bytes);
}

void ClientConnection::on_request_end(StreamId stream, const FieldList& trailers) {
  if (ExchangeRunner* runner = find(stream)) runner->request_end(trailers);
}

void ClientConnection::on_answer_drained(StreamId stream) {
  if (ExchangeRunner* runner = find(stream)) runner->answer_drained();
}

void ClientConnection::on_stream_closed(StreamId stream, bool clean) {
  if (ExchangeRunner* runner = find(stream)) runner->stream_closed(clean);
}

void ClientConnection::on_refused(const RequestHead& head, std::uint16_t status,
                                  std::string_view why) {
  worker_.log_refusal(peer_, head, status, why);
  if (status == 431) note_abuse(Abuse::header_bombs);
}

void ClientConnection::on_flood(std::string_view what) { worker_.note_flood(what, peer_); }

void ClientConnection::exchange_ended(StreamId stream) {
  const auto found = exchanges_.find(static_cast<std::uint32_t>(stream));
  worker_.loop().retire(std::move(found->second));
  exchanges_.erase(found);
  flush_later();
}

ExchangeRunner* ClientConnection::find(StreamId stream) {
  const auto found = exchanges_.find(static_cast<std::uint32_t>(stream));
  return found == exchanges_.end() ? nullptr : found->second.get();
}

} // namespace rproxyd
