#include "rproxyd/proxy/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "rproxyd/http/request_id.h"
#include "rproxyd/http/text.h"
#include "rproxyd/proxy/acme_challenge.h"
#include "rproxyd/proxy/affinity_cookie.h"
#include "rproxyd/proxy/local_answer.h"

namespace rproxyd {
namespace {

constexpr std::uint16_t kClientClosedRequest = 499; // in the log only, as nginx writes it

// RFC 9110 section 9.2.2.
bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD",   "OPTIONS",
                                                        "PUT", "DELETE", "TRACE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

ServedBy served_by(Route::Kind kind) {
  switch (kind) {
    case Route::Kind::pool:
      return ServedBy::pool;
    case Route::Kind::folder:
      return ServedBy::folder;
    case Route::Kind::redirect:
      return ServedBy::redirect;
    case Route::Kind::answer:
      return ServedBy::fixed;
  }
  return ServedBy::refused;
}

bool is_event_stream(const ResponseHead& head) {
  constexpr std::string_view kType = "text/event-stream";
  const auto type = head.fields.find("content-type");
  return type && equal_ignoring_case(type->substr(0, kType.size()), kType);
}

std::string request_id_of(ExchangeHost& host, const ExchangeRules& rules,
                          const RequestHead& request, const ClientIdentity& identity) {
  if (rules.request_id.empty()) return {};
  if (const auto sent = believable_request_id(request.fields, rules.request_id, identity))
    return std::string(*sent);
  return host.fresh_request_id();
}

} // namespace

Exchange::Exchange(ExchangeHost& host, const ExchangeRules& rules, ClientSession& client,
                   StreamId stream, RequestHead& request, const ClientIdentity& identity)
    : host_(host),
      rules_(rules),
      client_(client),
      stream_(stream),
      request_(request),
      identity_(identity),
      started_(host.now()),
      request_id_(request_id_of(host, rules, request, identity)),
      buffered_(host.pool()),
      upload_(rules.rates.upload, rules.timeouts.body),
      download_(rules.rates.download, rules.timeouts.body) {}

// ---- from the client: the request

void Exchange::start(bool request_ended) {
  request_ended_ = request_ended;
  // Answered here, not by the backend: the body may be on its way to it by then.
  continue_awaited_ = std::exchange(request_.expect_continue, false);
  if (rules_.challenges != nullptr && challenge_token(request_.target)) {
    served_by_ = ServedBy::acme;
    return serve_challenge();
  }
  if (rules_.redirect_https) {
    served_by_ = ServedBy::https_redirect;
    return redirect_to_https();
  }

  const auto route = rules_.routes->match(request_.target, request_.authority, request_.method);
  if (!route) return refuse(route.error());
  route_ = *route;
  served_by_ = served_by(route_->kind);
  serve(*route_);
}

void Exchange::serve(const Route& route) {
  switch (route.kind) {
    case Route::Kind::redirect:
      return redirect(route.status, route.target);
    case Route::Kind::answer:
      return send_local(route.answer.head, route.answer.body);
    case Route::Kind::folder:
      return serve_from_folder(route);
    case Route::Kind::pool:
      return serve_from_pool(route);
  }
}

void Exchange::serve_from_pool(const Route& route) {
  if (route.ice_servers) return ask_about_sign_in(route);
  if (!route.rewrite.empty() && request_.target != "*") {
    auto target = backend_target(route, request_.target);
    if (!target) return refuse({RouteRefusal::Kind::bad_path});
    client_target_ = std::exchange(request_.target, *std::move(target));
  }
  retry_ = &rules_.retry[route.pool];
  if (!request_.upgrade.empty() && !ask_for_tunnel()) return;
  if (uses_cookie()) wanted_ = wanted_backend(request_.fields);
  prepare_for_backend(request_, identity_, rules_.forwarded);
  if (!request_id_.empty()) set_request_id(request_.fields, rules_.request_id, request_id_);
  try_next_backend();
}

// The client's own credentials go to a node, which knows whether they are good.
void Exchange::ask_about_sign_in(const Route& route) {
  const IceServers& rules = *route.ice_servers;
  origin_ = request_.fields.find("origin").value_or("");
  if (request_.method == "OPTIONS" && !rules.origins.empty()) {
    auto answer = preflight_answer();
    add_cors(rules, origin_, answer.head);
    return send_local(answer.head, answer.body);
  }
  if (request_.method != "GET") return refuse({RouteRefusal::Kind::bad_method, "GET"});
  if (!request_ended_)
    return fail(400, "This takes no body.", "a body to ask for ICE servers with");
  auto target = sign_in_target(rules, route.path, request_.target);
  if (!target) return refuse({RouteRefusal::Kind::not_found});
  client_target_ = request_.target;
  make_sign_in_request(request_, *std::move(target));
  retry_ = &rules_.retry[route.pool];
  prepare_for_backend(request_, identity_, rules_.forwarded);
  if (!request_id_.empty()) set_request_id(request_.fields, rules_.request_id, request_id_);
  try_next_backend();
}

void Exchange::tell_ice_servers(std::uint16_t status) {
  end_attempt(0);
  std::exchange(link_, nullptr)->release();
  LocalAnswer answer;
  if (status >= 200 && status < 300) {
    const std::string whom = request_id_.empty() ? host_.fresh_request_id() : request_id_;
    answer = ice_servers_answer(*route_->ice_servers, whom, host_.random_nonce(), host_.now().wall);
  } else if (status == 401 || status == 403) {
    answer = error_answer(*rules_.answers, status, "Sign in first.", request_id_);
    if (!sign_in_challenge_.empty()) answer.head.fields.add("www-authenticate", sign_in_challenge_);
  } else {
    trouble_ =
        fmt::format("{}: {} to a question about a sign-in", attempts_.back().address, status);
    answer = error_answer(*rules_.answers, 502, "The conferencing node gave no valid answer.",
                          request_id_);
  }
  add_cors(*route_->ice_servers, origin_, answer.head);
  send_local(answer.head, answer.body);
}

void Exchange::serve_from_folder(const Route& route) {
  if (request_.method != "GET" && request_.method != "HEAD")
    return refuse({RouteRefusal::Kind::bad_method, "GET, HEAD"});
  auto found = find_file(host_, route, request_);
  if (!found) return answer_miss(found.error());
  answer_from(*std::move(found), route.folder);
}

void Exchange::serve_challenge() {
  for (const Route& route : *rules_.challenges) {
    if (auto found = find_file(host_, route, request_))
      return answer_from(*std::move(found), route.folder);
  }
  answer_miss({});
}

void Exchange::answer_miss(const FolderMiss& miss) {
  switch (miss.kind) {
    case FolderMiss::Kind::not_found:
      return answer_locally(404, "There is nothing here.");
    case FolderMiss::Kind::moved:
      return redirect(301, miss.location);
    case FolderMiss::Kind::shortage:
      return fail(503, "There is too much to do at the moment.", "no descriptor for a file");
  }
}

void Exchange::answer_from(FoundFile found, const FolderRules& rules) {
  FileAnswer answer = answer_with(found, request_, rules, host_.now().wall);
  finish_head(answer.head, *rules_.answers, identity_.secure, host_.http_date());
  status_ = answer.head.status;
  state_ = State::answering;
  respond(answer.head);
  buffered_.clear();
  if (unconsumed_ > 0) client_.consumed(stream_, std::exchange(unconsumed_, 0));
  file_.emplace(std::move(found.file), std::move(answer.pieces));
  send_file();
}

void Exchange::send_file() {
  if (!file_) return;
  const FileBody::Step step = file_->advance(client_, stream_);
  answer_bytes_ = file_->sent();
  switch (step) {
    case FileBody::Step::waiting:
      return arm_for_download();
    case FileBody::Step::done:
      file_.reset();
      client_.finish(stream_, nullptr);
      state_ = State::answered;
      return arm_for_state();
    case FileBody::Step::broken:
      file_.reset();
      return fail(500, "", "the file could not be read to its end");
  }
}

void Exchange::on_file_ready() {
  if (file_) send_file();
}

void Exchange::refuse(const RouteRefusal& refusal) {
  switch (refusal.kind) {
    case RouteRefusal::Kind::not_found:
      return answer_locally(404, "There is nothing here.");
    case RouteRefusal::Kind::bad_path:
      return fail(400, "The path is not one that can be served.", "path refused");
    case RouteRefusal::Kind::bad_method: {
      auto answer =
          error_answer(*rules_.answers, 405, "This method is not served here.", request_id_);
      answer.head.fields.add("allow", refusal.allow);
      return send_local(answer.head, answer.body);
    }
  }
}

// False when it has been answered. On HTTP/1.1 an upgrade is an offer, which a server need not take
// (RFC 9110 section 7.8): where no tunnel is allowed, the request is one like any other.
bool Exchange::ask_for_tunnel() {
  const bool is_offer = request_.version != Version::http_2;
  if (!route_->websocket) {
    request_.upgrade.clear();
    if (!is_offer) fail(403, "There is no WebSocket here.", "a WebSocket where none is allowed");
    return is_offer;
  }
  if (const auto refusal = check_web_socket(request_)) {
    trouble_ = refusal->why;
    auto answer = error_answer(*rules_.answers, refusal->status,
                               "This is not a valid WebSocket handshake.", request_id_);
    if (refusal->status == 426) { // RFC 6455 section 4.4, RFC 9110 section 15.5.22
      answer.head.fields.add("sec-websocket-version", kWebSocketVersion);
    }
    send_local(answer.head, answer.body);
    return false;
  }
  if (!is_offer) request_.fields.add("sec-websocket-key", web_socket_key(host_.random_nonce()));
  tunnel_ = Tunnel::asked;
  request_ended_ = false; // the request has, the client's direction of the tunnel has not
  return true;
}

void Exchange::turn_away(const LocalAnswer& answer, std::string_view why) {
  served_by_ = ServedBy::pin_guard;
  trouble_ = why;
  send_local(answer.head, answer.body);
}

bool Exchange::client_broke_off() const { return status_ == kClientClosedRequest; }

void Exchange::on_request_body(core::Bytes bytes) {
  if (state_ == State::answered || state_ == State::closed || file_) {
    // Read to its end and thrown away, so that the client gets to see the answer.
    return client_.consumed(stream_, bytes.size());
  }
  unconsumed_ += bytes.size();
  if (link_ == nullptr || tunnel_ == Tunnel::asked) {
    buffered_.append(bytes); // at most a window: nothing is consumed meanwhile
    return;
  }
  body_sent_ = true;
  upload_.moved(bytes.size(), now());
  link_->send_body(bytes);
  if (link_->pending() < kLinkHighWater) client_.consumed(stream_, std::exchange(unconsumed_, 0));
  arm_for_state();
}

void Exchange::on_request_end(const FieldList& trailers) {
  request_ended_ = true;
  if (state_ == State::answered || state_ == State::closed || file_) return;
  if (link_ == nullptr || tunnel_ == Tunnel::asked) {
    trailers_ = trailers;
    return;
  }
  link_->finish(&trailers);
  if (answer_ended_) return end_tunnel();
  arm_for_state();
}

void Exchange::on_stream_closed(bool clean) {
  if (state_ == State::closed) return;
  if (state_ == State::connecting) host_.cancel_connect();
  drop_link();
  file_.reset();
  compressor_.reset();
  if (attempt_open_) end_attempt(0);
  if (status_ == 0) status_ = kClientClosedRequest;
  if (!clean && state_ != State::answered && trouble_.empty()) trouble_ = "the client broke off";
  state_ = State::closed;
  host_.ended();
}

void Exchange::redirect_to_https() {
  if (request_.authority.empty()) return fail(400, "A Host is needed.", "no authority");
  std::string_view host(request_.authority);
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos)
    host = host.substr(0, colon);
  const std::string_view target = request_.target == "*" ? "/" : std::string_view(request_.target);
  const std::string port = rules_.https_port == 443 ? "" : fmt::format(":{}", rules_.https_port);
  redirect(301, fmt::format("https://{}{}{}", host, port, target));
}

void Exchange::redirect(std::uint16_t status, std::string_view location) {
  const auto answer = redirect_answer(status, location);
  send_local(answer.head, answer.body);
}

// ---- towards a backend

void Exchange::try_next_backend() {
  const auto backend = next_backend();
  if (!backend) {
    return fail(502, "No conferencing node could be reached.",
                trouble_.empty() ? "no backend to try" : trouble_);
  }
  tried_.push_back(*backend);
  connect_to(*backend, false);
}

std::optional<BackendId> Exchange::next_backend() {
  if (tried_.size() >= std::min<std::size_t>(retry_->attempts, kMaxAttempts)) return std::nullopt;
  const auto next = host_.choose(*route_, identity_.address, tried_, wanted_);
  if (next && !tried_.empty() && !host_.may_retry(*route_)) return std::nullopt;
  return next;
}

bool Exchange::uses_cookie() const {
  return route_->pool < rules_.cookies.size() && rules_.cookies[route_->pool];
}

void Exchange::connect_to(BackendId backend, bool fresh) {
  begin_attempt(backend);
  state_ = State::connecting;
  host_.arm(rules_.timeouts.connect);
  host_.connect(*route_, backend, fresh, tunnel_ == Tunnel::asked);
}

void Exchange::begin_attempt(BackendId backend) {
  attempts_.push_back({.address = host_.backend_name(*route_, backend)});
  attempt_started_ = host_.now().steady;
  attempt_open_ = true;
}

void Exchange::end_attempt(std::uint16_t status) {
  attempt_open_ = false;
  if (status != 0) attempts_.back().status = status;
  attempts_.back().time = host_.now().steady - attempt_started_;
}

void Exchange::link_open(BackendLink& link, bool reused) {
  link_ = &link;
  link_reused_ = reused;
  state_ = State::waiting;
  link_paused_ = false;
  link_->send_request(request_);
  if (std::exchange(continue_awaited_, false) && !request_ended_) client_.send_continue(stream_);
  if (tunnel_ == Tunnel::none) {
    send_buffered();
    if (request_ended_) link_->finish(&trailers_);
  }
  arm_for_state();
}

void Exchange::send_buffered() {
  while (!buffered_.empty()) {
    const core::Bytes piece = buffered_.front();
    link_->send_body(piece);
    body_sent_ = true;
    buffered_.consume(piece.size());
  }
  if (link_->pending() < kLinkHighWater && unconsumed_ > 0) {
    client_.consumed(stream_, std::exchange(unconsumed_, 0));
  }
}

void Exchange::link_failed(std::string_view why) {
  end_attempt(0);
  trouble_ = fmt::format("{}: {}", attempts_.back().address, why);
  if (retry_->on_connect) return try_next_backend(); // nothing has been sent: always safe
  fail(502, "The conferencing node could not be reached.", trouble_);
}

void Exchange::link_drained() {
  if (unconsumed_ == 0) return;
  client_.consumed(stream_, std::exchange(unconsumed_, 0));
  if (state_ == State::waiting && held_ == nullptr && !request_complete()) arm_for_upload();
}

// Whether the request may go to a second backend although the first may have seen it.
bool Exchange::may_repeat() const {
  if (body_sent_) return false; // its bytes are gone
  return retry_->non_idempotent || is_idempotent(request_.method);
}

bool Exchange::is_retry_status(std::uint16_t status) const {
  return std::ranges::find(retry_->on_status, status) != retry_->on_status.end();
}

// ---- from the backend: the answer

void Exchange::on_information(ResponseHead& head) {
  if (head.status == 100) return; // said by ourselves, when the request went out
  if (route_->ice_servers) return;
  prepare_for_client(head, host_.http_date());
  client_.inform(stream_, head);
}

void Exchange::on_response(ResponseHead& head, bool end) {
  if (head.status == 101) return open_tunnel(head);
  // To a CONNECT, any of these would say that the tunnel is open (RFC 9110 section 9.3.6).
  if (tunnel_ == Tunnel::asked && request_.version == Version::http_2 && head.status < 300) {
    return fail(
        502, "The conferencing node did not take the WebSocket.",
        fmt::format("{}: {} to a WebSocket handshake", attempts_.back().address, head.status));
  }
  attempts_.back().status = head.status;
  host_.attempt_ended(BackendPool::Outcome::answered);
  if (is_retry_status(head.status) && may_repeat()) {
    if (const auto other = next_backend()) {
      end_attempt(head.status);
      drop_link();
      tried_.push_back(*other);
      return connect_to(*other, false);
    }
  }
  if (route_->ice_servers) {
    sign_in_ = head.status;
    sign_in_challenge_ = head.fields.find("www-authenticate").value_or("");
    return end ? tell_ice_servers(sign_in_) : arm_for_state(); // what it says more is nobody's
  }
  if (!end && head.body.kind == BodySize::Kind::length && request_complete() && may_repeat()) {
    held_ = &head;
    return host_.arm(kHeadHold);
  }
  pass_on(head);
  if (end) return end_answer(nullptr);
  arm_for_state();
}

void Exchange::pass_on(ResponseHead& head) {
  state_ = State::answering;
  status_ = head.status;
  if (rules_.compression != nullptr) compress(head);
  finish_head(head, *rules_.answers, identity_.secure, host_.http_date());
  if (uses_cookie()) {
    const BackendKey serving = host_.backend_key(*route_, tried_.back());
    if (serving != wanted_) {
      head.fields.add("set-cookie", affinity_cookie(serving, identity_.secure));
    }
  }
  if (tunnel_ == Tunnel::open) {
    lasting_ = Lasting::web_socket;
  } else if (is_event_stream(head)) {
    lasting_ = Lasting::event_stream;
  }
  if (lasting_ != Lasting::no) host_.lasts(lasting_);
  respond(head);
}

void Exchange::respond(const ResponseHead& head) {
  answered_at_ = host_.now().steady;
  client_.respond(stream_, head);
}

void Exchange::compress(ResponseHead& head) {
  const CompressionRules& rules = *rules_.compression;
  if (tunnel_ != Tunnel::none || !may_compress(rules, request_, head)) return;
  add_vary(head);
  const auto coding = coding_for(request_);
  if (!coding) return;
  compressor_ = Compressor::make(*coding, *rules.at_work);
  if (compressor_) mark_compressed(head, *coding);
}

void Exchange::send_to_client(core::Bytes bytes) {
  answer_bytes_ += bytes.size();
  client_.send_body(stream_, bytes);
}

void Exchange::pass_on_held() {
  if (held_ != nullptr) pass_on(*std::exchange(held_, nullptr));
}

void Exchange::on_response_body(core::Bytes bytes) {
  pass_on_held();
  if (state_ != State::answering) return;
  if (!compressor_) {
    send_to_client(bytes);
  } else if (!compressor_->add(bytes, [this](core::Bytes out) { send_to_client(out); })) {
    return fail(500, "", "the answer could not be compressed");
  }
  if (!link_paused_ && client_.queued(stream_) >= kAnswerHighWater) {
    link_paused_ = true;
    link_->pause();
  }
  arm_for_state();
}

void Exchange::on_answer_drained() {
  if (file_) return send_file();
  if (!link_paused_ || link_ == nullptr) return;
  link_paused_ = false;
  link_->resume();
  arm_for_state();
}

void Exchange::open_tunnel(ResponseHead& head) {
  attempts_.back().status = head.status;
  host_.attempt_ended(BackendPool::Outcome::answered);
  tunnel_ = Tunnel::open;
  pass_on(head);
  send_buffered(); // what came behind the handshake
  if (request_ended_) link_->finish(nullptr);
  arm_for_state();
}

void Exchange::end_tunnel() {
  state_ = State::answered;
  end_attempt(0);
  std::exchange(link_, nullptr)->release();
  arm_for_state();
}

void Exchange::on_response_end(const FieldList& trailers) {
  if (tunnel_ == Tunnel::open && state_ == State::answering) {
    client_.finish(stream_, nullptr);
    answer_ended_ = true;
    return request_ended_ ? end_tunnel() : arm_for_state();
  }
  if (route_->ice_servers) return tell_ice_servers(sign_in_);
  pass_on_held();
  if (state_ == State::answering) end_answer(&trailers);
}

void Exchange::end_answer(const FieldList* trailers) {
  if (const auto compressor = std::exchange(compressor_, nullptr);
      compressor && !compressor->finish([this](core::Bytes out) { send_to_client(out); })) {
    return fail(500, "", "the answer could not be compressed");
  }
  client_.finish(stream_, trailers);
  state_ = State::answered;
  end_attempt(0);
  // An answer that came before the request had ended leaves a connection in mid-request.
  if (request_complete()) {
    std::exchange(link_, nullptr)->release();
  } else {
    drop_link();
  }
  if (unconsumed_ > 0) client_.consumed(stream_, std::exchange(unconsumed_, 0));
  arm_for_state();
}

void Exchange::on_failure(BackendFailure failure, std::string_view why) {
  if (state_ == State::waiting) {
    end_attempt(0);
    trouble_ = fmt::format("{}: {}", attempts_.back().address, why);
    // A kept connection that the node has given up meanwhile says nothing about the node.
    if (!link_reused_) host_.attempt_ended(BackendPool::Outcome::broken);
    drop_link();
    // The client has got nothing, not even a head that may have come.
    const bool may_try = failure == BackendFailure::refused ? !body_sent_ : may_repeat();
    if (failure != BackendFailure::malformed && failure != BackendFailure::too_large && may_try) {
      if (link_reused_) return connect_to(tried_.back(), true);
      if (retry_->on_connect) return try_next_backend();
    }
    return fail(502, "The conferencing node gave no valid answer.", trouble_);
  }
  if (state_ == State::answering) {
    // What the client has got must not look whole (proxy rule 19).
    fail(502, "", fmt::format("{}: {}", attempts_.back().address, why));
  }
}

void Exchange::link_broken(std::string_view why) {
  on_failure(state_ == State::waiting ? BackendFailure::closed_before_answer
                                      : BackendFailure::closed_in_answer,
             why);
}

// ---- time

void Exchange::arm_for_state() {
  switch (state_) {
    case State::routing:
    case State::connecting:
    case State::closed:
      return;
    case State::waiting:
      return request_complete() ? host_.arm(rules_.timeouts.response) : arm_for_upload();
    case State::answering: {
      // Half a tunnel is on its way to its end.
      const bool half = tunnel_ == Tunnel::open && (request_ended_ || answer_ended_);
      if (link_paused_) return arm_for_download();
      download_.rest(now());
      left_ = client_.queued(stream_);
      return host_.arm(half ? std::min(rules_.timeouts.body, rules_.timeouts.stream_idle)
                            : rules_.timeouts.stream_idle);
    }
    case State::answered: // for the client to take the rest
      return arm_for_download();
  }
}

// While the backend holds it back, the client is not to blame.
void Exchange::arm_for_upload() {
  if (unconsumed_ > 0) {
    upload_.rest(now());
    return host_.arm(rules_.timeouts.body);
  }
  upload_.wait(now());
  host_.arm(std::min(rules_.timeouts.body, upload_.left(now())));
}

void Exchange::arm_for_download() {
  note_taken();
  download_.wait(now());
  left_ = client_.queued(stream_);
  const auto longest = state_ == State::answering && !file_
                           ? std::min(rules_.timeouts.body, rules_.timeouts.stream_idle)
                           : rules_.timeouts.body;
  host_.arm(paced() ? std::min(longest, download_.left(now())) : longest);
}

void Exchange::note_taken() {
  const std::uint64_t waiting = client_.queued(stream_);
  const std::uint64_t taken = answer_bytes_ - std::min(answer_bytes_, waiting);
  if (taken <= taken_) return;
  download_.moved(taken - taken_, now());
  taken_ = taken;
}

// A client that takes something gets the rest, unless it is slower than is allowed.
bool Exchange::may_go_on() {
  note_taken();
  return client_.queued(stream_) < left_ &&
         (!paced() || download_.left(now()) > core::Duration::zero());
}

void Exchange::on_time() {
  switch (state_) {
    case State::routing:
    case State::closed:
      return;
    case State::connecting:
      host_.cancel_connect();
      return link_failed("connecting timed out");
    case State::waiting: {
      if (held_ != nullptr) {
        pass_on_held();
        return arm_for_state();
      }
      if (!request_complete() && unconsumed_ > 0) { // the client is held back: it is not to blame
        return fail(504, "The conferencing node did not take the request in time.",
                    fmt::format("{}: it does not take the request", attempts_.back().address));
      }
      body_stood_still_ = !request_complete();
      if (body_stood_still_)
        return fail(408, "The request did not arrive in time.", "request body timed out");
      end_attempt(0);
      trouble_ = fmt::format("{}: no answer in time", attempts_.back().address);
      host_.attempt_ended(BackendPool::Outcome::broken);
      drop_link();
      if (retry_->on_timeout && may_repeat()) return try_next_backend();
      return fail(504, "The conferencing node did not answer in time.", trouble_);
    }
    case State::answering:
      if ((answer_ended_ || file_ || link_paused_) && may_go_on())
        return file_ ? arm_for_download() : arm_for_state();
      if (file_ || link_paused_) {
        client_took_nothing_ = true;
        return fail(504, "", "the client did not take the answer");
      }
      return fail(504, "",
                  tunnel_ == Tunnel::open ? "the tunnel stood still" : "the answer stood still");
    case State::answered:
      if (may_go_on()) return arm_for_state();
      client_took_nothing_ = true;
      trouble_ = "the client did not take the answer";
      return client_.reset(stream_);
  }
}

// ---- what the proxy says itself

void Exchange::fail(std::uint16_t status, std::string_view text, std::string_view why) {
  trouble_ = why;
  if (attempt_open_) end_attempt(0);
  drop_link();
  file_.reset();
  if (state_ != State::answering) return answer_locally(status, text);
  state_ = State::answered;
  client_.reset(stream_);
}

void Exchange::answer_locally(std::uint16_t status, std::string_view text) {
  const auto answer = error_answer(*rules_.answers, status, text, request_id_);
  send_local(answer.head, answer.body);
}

void Exchange::send_local(const ResponseHead& head, std::string_view body) {
  status_ = head.status;
  state_ = State::answered;
  ResponseHead dated = head;
  finish_head(dated, *rules_.answers, identity_.secure, host_.http_date());
  respond(dated);
  if (request_.method != "HEAD") {
    answer_bytes_ = body.size();
    client_.send_body(stream_, core::bytes_of(body));
  }
  client_.finish(stream_, nullptr);
  buffered_.clear();
  if (unconsumed_ > 0) client_.consumed(stream_, std::exchange(unconsumed_, 0));
  arm_for_state();
}

void Exchange::drop_link() {
  held_ = nullptr;
  if (link_ != nullptr) std::exchange(link_, nullptr)->abort();
}

AccessRecord Exchange::record() const {
  return {.client = identity_.address,
          .time = started_.wall,
          .method = request_.method,
          .target = client_target_.empty() ? request_.target : client_target_,
          .referer = request_.fields.find("referer").value_or(""),
          .user_agent = request_.fields.find("user-agent").value_or(""),
          .version = request_.version,
          .status = status_,
          .body_bytes = answer_bytes_,
          .duration = host_.now().steady - started_.steady,
          .request_id = request_id_,
          .attempts = &attempts_};
}

ExchangeSummary Exchange::summary() const {
  ExchangeSummary summary{.served_by = served_by_,
                          .status = status_,
                          .lasting = lasting_,
                          .whole = host_.now().steady - started_.steady};
  if (served_by_ == ServedBy::pool) summary.pool = route_->target;
  if (answered_at_) summary.first_byte = *answered_at_ - started_.steady;
  return summary;
}

} // namespace rproxyd
