// Runs one Exchange: gives it links, deadlines and the time, and hands what comes from the backend
// to it. Lives in its client's connection.
#pragma once

#include <memory>
#include <optional>

#include "libcore/event/socket.h"
#include "rproxyd/guard/token_gate.h"
#include "rproxyd/proxy/exchange.h"
#include "rproxyd/shell/backend_connection.h"
#include "rproxyd/shell/generation.h"

namespace rproxyd {

class ClientConnection;
class Worker;

class ExchangeRunner final : public event::Retirable,
                             private ExchangeHost,
                             private LinkUser,
                             private event::DeadlineHandler {
 public:
  // `rules` are of the generation.
  ExchangeRunner(Worker& worker, ClientConnection& client,
                 std::shared_ptr<const Generation> generation, const ExchangeRules& rules,
                 ClientSession& session, StreamId stream, RequestHead& request,
                 const ClientIdentity& identity);

  // From the client's session (see ClientEvents).
  void begin(bool request_ended);
  void request_body(core::Bytes bytes);
  void request_end(const FieldList& trailers);
  void answer_drained() { exchange_.on_answer_drained(); }
  void stream_closed(bool clean) { exchange_.on_stream_closed(clean); }

 private:
  const core::Now& now() const override;
  std::string_view http_date() const override;
  core::ChunkPool& pool() override;
  WebSocketNonce random_nonce() override;
  std::string fresh_request_id() override;
  std::optional<BackendId> choose(const Route& route, const core::IpAddress& client,
                                  std::span<const BackendId> tried,
                                  std::optional<BackendKey> wanted) override;
  BackendKey backend_key(const Route& route, BackendId backend) const override;
  bool may_retry(const Route& route) override;
  void attempt_ended(BackendPool::Outcome outcome) override { outcome_ = outcome; }
  std::string backend_name(const Route& route, BackendId backend) const override;
  void connect(const Route& route, BackendId backend, bool fresh, bool tunnel) override;
  void cancel_connect() override;
  void arm(core::Duration delay) override;
  std::expected<std::unique_ptr<FileSource>, OpenFailure> open_file(
      const std::string& folder, const std::string& path) override;
  void lasts(Lasting kind) override;
  void ended() override;

  void link_open(BackendLink& link, bool reused) override;
  void link_failed(std::string_view why) override;
  void link_stale() override;
  void link_moved() override;
  void link_broken(std::string_view why) override;
  void link_drained() override;
  void on_information(ResponseHead& head) override;
  void on_response(ResponseHead& head, bool end) override;
  void on_response_body(core::Bytes bytes) override;
  void on_response_end(const FieldList& trailers) override;
  void on_failure(BackendFailure failure, std::string_view why) override;

  void on_deadline(int kind) override;
  void refuse_banned(const SharedGuard::BanNotice& ban);
  void hold(std::string room);
  TokenDesk::Wake wake();
  void ask_gate(TokenGate& gate);
  void held_too_long();
  void refuse_attempt(const Admission& admission);
  proxy_protocol::Endpoints endpoints() const;
  void open_connection();
  void refuse_link();
  void count_exchange(bool begins);

  // Held: the guard reads the request's body, or lets it wait; the exchange has not started.
  enum class Held : std::uint8_t { no, reading, waiting };

  Worker& worker_;
  ClientConnection& client_;
  const std::shared_ptr<const Generation> generation_;
  const std::shared_ptr<ExchangeRunner*> self_ = std::make_shared<ExchangeRunner*>(this);
  ClientSession& session_;
  const StreamId stream_;
  RequestHead& request_;
  const ClientIdentity identity_;
  const bool guarded_;
  bool request_ended_ = false;
  Held held_ = Held::no;
  std::optional<TokenGate> gate_;                // of a token request
  std::optional<core::TimePoint> connect_begun_; // a connection is made
  std::optional<core::TimePoint> asked_;         // the node, in this attempt
  std::optional<core::Duration> head_after_;     // that
  LinkRequest* connecting_ = nullptr;
  LinkNeed need_;
  std::shared_ptr<SharedPool> pool_; // of this attempt
  BackendId backend_{};
  bool counted_ = false;                                         // in the pool's count of exchanges
  BackendPool::Outcome outcome_ = BackendPool::Outcome::unknown; // of this attempt
  bool refused_ = false; // there can be no connection: the exchange is still to be told
  event::ConnectFailure refusal_;
  core::Deadline deadline_{static_cast<event::DeadlineHandler*>(this)};
  event::MemberTask<ExchangeRunner> refuse_task_{*this, &ExchangeRunner::refuse_link};
  Exchange exchange_; // last: its constructor asks this host for the time
};

} // namespace rproxyd
