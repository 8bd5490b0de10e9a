// One request and its answer: from the client's stream to a backend and back. Decides where the
// request goes, what of it may go, when to try another backend, when to stop reading one side
// because the other is slow, and what the client is told when things fail. Pure: the shell gives it
// a link to a backend, deadlines and the time through ExchangeHost.
//
//   start() -> [route] -> connecting -> waiting -> answering -> (stream closed) -> host.ended()
//                 |           |  ^         |
//                 |           +--+---------+ another backend, while that is safe (proxy rule 18)
//                 +-> a local answer
//
// A WebSocket handshake on a route that allows it is passed on like any request. Once a node has
// accepted it (101) the exchange is a tunnel, in `answering`: bytes go both ways with the same
// back-pressure, each direction ends by itself, and the tunnel when both have.
//
// Back-pressure (proxy rule 16). Request: bytes are `consumed` only once the link has taken them
// and holds less than kLinkHighWater; the session lets no more than its window in. Answer: the
// link is paused while the client's stream holds kAnswerHighWater.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/byte_queue.h"
#include "libcore/base/time.h"
#include "rproxyd/http/backend_session.h"
#include "rproxyd/http/client_session.h"
#include "rproxyd/http/forwarding.h"
#include "rproxyd/http/websocket.h"
#include "rproxyd/proxy/access_log.h"
#include "rproxyd/proxy/answer_rules.h"
#include "rproxyd/proxy/backend_pool.h"
#include "rproxyd/proxy/compression.h"
#include "rproxyd/proxy/exchange_summary.h"
#include "rproxyd/proxy/file_body.h"
#include "rproxyd/proxy/local_answer.h"
#include "rproxyd/proxy/pace.h"
#include "rproxyd/proxy/routes.h"

namespace rproxyd {

// Request bytes that may wait in a link before the client is held back.
inline constexpr std::size_t kLinkHighWater = std::size_t{128} * 1024;
// How long the head of an answer of known length waits for the first of its body. A node that dies
// between the two has then told the client nothing yet, and another node can answer.
inline constexpr core::Duration kHeadHold = std::chrono::milliseconds(50);
// Backends tried for one request, whatever the configuration says.
inline constexpr std::size_t kMaxAttempts = 8;

struct RetryPolicy { // contract: pools.*.retry
  bool on_connect = true;
  bool on_timeout = false;
  std::vector<unsigned> on_status;
  unsigned attempts = 2; // the first included
  bool non_idempotent = false;
};

struct ExchangeRates { // contract: limits.least_upload_rate, limits.least_download_rate; 0: none
  std::uint64_t upload = 0;
  std::uint64_t download = 0;
};

struct ExchangeTimeouts { // contract: timeouts.*
  core::Duration body = std::chrono::seconds(30);
  core::Duration connect = std::chrono::seconds(3);
  core::Duration response = std::chrono::seconds(60);
  core::Duration stream_idle = std::chrono::hours(1);
};

// What all exchanges of a listener share. Outlives them.
struct ExchangeRules {
  const RouteTable* routes = nullptr;
  std::vector<RetryPolicy> retry; // a pool each, by Route::pool
  std::vector<bool> cookies;      // likewise: clients get an affinity cookie
  ExchangeTimeouts timeouts;
  ExchangeRates rates;
  const AnswerRules* answers = &kPlainAnswers;
  bool forwarded = false; // backends are told about the client in Forwarded, too
  std::string request_id; // the header, in lower case, that carries a request's id; empty: none
  const CompressionRules* compression = nullptr;  // null: nothing is compressed
  const std::vector<Route>* challenges = nullptr; // of ACME: folders, answered before all else
  bool redirect_https = false;                    // every request is answered with 301 to https
  std::uint16_t https_port = 443; // where to: named in the redirect unless it is 443
};

// A connection to a backend that serves one exchange. Ends with release() or abort(), or when the
// exchange is told that it failed. Never calls back from inside these calls.
class BackendLink {
 public:
  virtual void send_request(const RequestHead& head) = 0;
  virtual void send_body(core::Bytes bytes) = 0;
  virtual void finish(const FieldList* trailers) = 0;
  virtual std::size_t pending() const = 0; // request bytes that the kernel has not taken
  virtual void pause() = 0;                // stop reading the answer
  virtual void resume() = 0;
  // The answer has ended, or both ways of a tunnel: what waits still leaves, and the connection is
  // kept if it may be reused.
  virtual void release() = 0;
  virtual void abort() = 0; // close it

 protected:
  ~BackendLink() = default;
};

// What an exchange asks of its surroundings: one host serves one exchange.
class ExchangeHost : public FileOpener {
 public:
  virtual const core::Now& now() const = 0;
  virtual std::string_view http_date() const = 0; // of now()
  virtual core::ChunkPool& pool() = 0;
  virtual WebSocketNonce random_nonce() = 0;
  virtual std::string fresh_request_id() = 0; // nobody can guess it
  // The backend to try next, none of `tried`; nullopt when there is none. `wanted`: the one that the
  // client's cookie names.
  virtual std::optional<BackendId> choose(const Route& route, const core::IpAddress& client,
                                          std::span<const BackendId> tried,
                                          std::optional<BackendKey> wanted) = 0;
  virtual BackendKey backend_key(const Route& route, BackendId backend) const = 0;
  // Whether the pool can bear a second attempt at a request now; if so, it is counted.
  virtual bool may_retry(const Route& route) = 0;
  // The attempt with this backend has ended: what that says about the backend.
  virtual void attempt_ended(BackendPool::Outcome outcome) = 0;
  virtual std::string backend_name(const Route& route, BackendId backend) const = 0;
  // Answered by link_open() or link_failed(), never from inside this call. `fresh`: on a new
  // connection, since a kept one was found dead.
  // `tunnel`: for a WebSocket handshake.
  virtual void connect(const Route& route, BackendId backend, bool fresh, bool tunnel) = 0;
  virtual void cancel_connect() = 0; // no answer is wanted any more
  // on_time() once `delay` has passed, unless armed again before.
  virtual void arm(core::Duration delay) = 0;
  virtual void lasts(Lasting kind) = 0; // the answer that begins now
  virtual void ended() = 0;             // the last call; the exchange may be destroyed later

 protected:
  ~ExchangeHost() = default;
};

class Exchange final : public BackendEvents {
 public:
  Exchange(ExchangeHost& host, const ExchangeRules& rules, ClientSession& client, StreamId stream,
           RequestHead& request, const ClientIdentity& identity);

  // From the client's session (see ClientEvents). start() may come later than what follows it: then
  // the request waits, and `request_ended` says how far it has come.
  void start(bool request_ended);
  // Instead of start(): somebody else has decided that no backend gets it.
  void turn_away(const LocalAnswer& answer, std::string_view why);
  void on_request_body(core::Bytes bytes);
  void on_request_end(const FieldList& trailers);
  void on_answer_drained();
  void on_stream_closed(bool clean);

  // From the host.
  void link_open(BackendLink& link, bool reused); // reused: it has served before
  void link_failed(std::string_view why);
  void link_broken(std::string_view why); // the connection ended, not cleanly
  void on_file_ready();                   // see FileSource::read()
  void link_drained();                    // pending() has fallen below kLinkHighWater
  void on_time();

  // From the backend's session.
  void on_information(ResponseHead& head) override;
  void on_response(ResponseHead& head, bool end) override;
  void on_response_body(core::Bytes bytes) override;
  void on_response_end(const FieldList& trailers) override;
  void on_failure(BackendFailure failure, std::string_view why) override;

  // For the access log; its views are borrowed from the exchange's request.
  AccessRecord record() const;
  ExchangeSummary summary() const;
  StreamId stream() const { return stream_; }
  // What this exchange is called in logs, by the node, and in error pages; empty: ids are off.
  const std::string& request_id() const { return request_id_; }
  // What the client let run out of time: its request's body, or the answer.
  bool body_stood_still() const { return body_stood_still_; }
  bool client_took_nothing() const { return client_took_nothing_; }
  // Why the proxy itself answered or broke off, for the log; empty otherwise.
  const std::string& trouble() const { return trouble_; }
  // The client was gone before it was told anything. Once ended() has been called.
  bool client_broke_off() const;

 private:
  enum class State : std::uint8_t {
    routing,    // nothing has been decided
    connecting, // a link is being made
    waiting,    // the link is there, no answer yet, or `held_`
    answering,  // the answer's head has gone to the client
    answered,   // the answer has ended, or was broken off
    closed,     // the client's stream is closed
  };

  enum class Tunnel : std::uint8_t { none, asked, open };

  bool ask_for_tunnel();
  void open_tunnel(ResponseHead& head);
  void end_tunnel();
  // Nothing more of the request is to come before the answer.
  bool request_complete() const { return request_ended_ || tunnel_ == Tunnel::asked; }
  void redirect_to_https();
  void serve(const Route& route);
  void serve_from_pool(const Route& route);
  void ask_about_sign_in(const Route& route);
  void tell_ice_servers(std::uint16_t status);
  void serve_from_folder(const Route& route);
  void serve_challenge();
  void answer_from(FoundFile found, const FolderRules& rules);
  void answer_miss(const FolderMiss& miss);
  void send_file();
  void refuse(const RouteRefusal& refusal);
  void redirect(std::uint16_t status, std::string_view location);
  void try_next_backend();
  std::optional<BackendId> next_backend();
  bool uses_cookie() const;
  void connect_to(BackendId backend, bool fresh);
  void send_buffered();
  void begin_attempt(BackendId backend);
  void end_attempt(std::uint16_t status);
  bool may_repeat() const;
  bool is_retry_status(std::uint16_t status) const;
  void pass_on(ResponseHead& head);
  void pass_on_held();
  void respond(const ResponseHead& head);
  void compress(ResponseHead& head);
  void send_to_client(core::Bytes bytes);
  void drop_link();
  void fail(std::uint16_t status, std::string_view text, std::string_view why);
  void answer_locally(std::uint16_t status, std::string_view text);
  void send_local(const ResponseHead& head, std::string_view body);
  void end_answer(const FieldList* trailers);
  void arm_for_state();
  void arm_for_upload();
  void arm_for_download();
  void note_taken();
  bool may_go_on();
  bool paced() const { return lasting_ == Lasting::no; }
  core::TimePoint now() const { return host_.now().steady; }

  ExchangeHost& host_;
  const ExchangeRules& rules_;
  ClientSession& client_;
  const StreamId stream_;
  RequestHead& request_;
  const ClientIdentity identity_;
  const core::Now started_;
  const std::string request_id_;

  State state_ = State::routing;
  const Route* route_ = nullptr;
  const RetryPolicy* retry_ = nullptr;
  BackendLink* link_ = nullptr;
  ResponseHead* held_ =
      nullptr;                 // the link's, while waiting: a head that the client has not got yet
  core::ByteQueue buffered_;   // request body until a link is there
  std::size_t unconsumed_ = 0; // taken from the client, not yet `consumed`
  FieldList trailers_;
  std::string client_target_;              // what was asked for, where the route rewrites it
  std::unique_ptr<Compressor> compressor_; // answering, with what is compressed on its way
  std::optional<FileBody> file_;           // answering with a file
  Tunnel tunnel_ = Tunnel::none;
  bool request_ended_ = false;    // of a tunnel: the client's direction
  bool answer_ended_ = false;     // of a tunnel: the node's direction
  bool continue_awaited_ = false; // the client waits for 100 before it sends the body
  bool body_sent_ = false;        // some of the body has gone to a backend: it can't be repeated
  bool link_paused_ = false;      // the client is behind
  bool body_stood_still_ = false;
  bool client_took_nothing_ = false;
  bool link_reused_ = false;
  Pace upload_;
  Pace download_;
  std::uint64_t taken_ = 0; // of the answer, as far as `download_` knows
  std::size_t left_ = 0;    // what the client had still to take when this was last looked at

  // For ICE servers: what the node has said of the client, once it has; and the client's own page.
  std::uint16_t sign_in_ = 0;
  std::string sign_in_challenge_;
  std::string origin_;

  std::optional<BackendKey> wanted_; // by the client's cookie
  std::vector<BackendId> tried_;
  std::vector<Attempt> attempts_;
  ServedBy served_by_ = ServedBy::refused;
  Lasting lasting_ = Lasting::no;
  std::optional<core::TimePoint> answered_at_; // its head
  core::TimePoint attempt_started_{};
  bool attempt_open_ = false;
  std::uint16_t status_ = 0;
  std::uint64_t answer_bytes_ = 0;
  std::string trouble_;
};

} // namespace rproxyd
