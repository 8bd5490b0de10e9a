// One client's connection: a stream, the HTTP session on it (by ALPN), and its exchanges.
//
//   handshaking -> [idle <-> reading a head <-> exchanges in progress <-> discarding]
//               -> finishing -> lingering -> closed
//               -> passing TURN on -> finishing -> …
//
// On a listener that shares its port with TURN the client's first bytes decide which of the two it is.
// After the last answer the connection is finishing until the client has taken all of it. Then it
// lingers: our end is closed, and what the client still sends is read and dropped for a moment, so
// that a RST does not overtake the answer.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <unordered_map>

#include "libcore/event/stream.h"
#include "rproxyd/http/client_session.h"
#include "rproxyd/proxy/first_bytes.h"
#include "rproxyd/shell/abuse_counts.h"
#include "rproxyd/shell/connection_limits.h"
#include "rproxyd/shell/exchange_runner.h"
#include "rproxyd/shell/figures.h"
#include "rproxyd/shell/generation.h"
#include "rproxyd/shell/turn_passage.h"

namespace rproxyd {

class Worker;

class ClientConnection final : public event::Retirable,
                               private event::StreamEvents,
                               private ClientEvents,
                               private Sink,
                               private TurnPassageEvents,
                               private event::DeadlineHandler {
 public:
  static constexpr core::Duration kLinger = std::chrono::seconds(2);

  // `peer` and `local` are the connection's two ends, or what a PROXY header said they are.
  // `generation` has the listener.
  ClientConnection(Worker& worker, std::shared_ptr<const Generation> generation,
                   ListenerId listener, const core::SocketAddress& peer,
                   const core::SocketAddress& local, ConnectionLimits::Ticket ticket);
  ~ClientConnection() override;

  bool start(event::Fd fd, std::shared_ptr<const tls::ServerContext> context);
  // For its next requests. When the listener is gone: they are the last, and served as before.
  void adopt(const std::shared_ptr<const Generation>& generation);
  // How long a client that has not asked for anything yet may take to do so when drain() is called.
  static constexpr core::Duration kFirstRequest = std::chrono::seconds(2);

  void drain(); // no new requests; closed when those in progress have ended
  void leave(); // as drain(), but nothing that the client may be sending just now is lost
  void close(); // now

  const core::SocketAddress& local() const { return local_; }

  void flush_later();
  void exchange_ended(StreamId stream);
  void note_abuse(Abuse kind);

  // The ban of a client that asks on this connection, if it acts on requests.
  std::optional<SharedGuard::BanNotice> ban_of(const ClientIdentity& identity);
  void cut_off(); // at the end of this wake-up, without an answer

 private:
  enum class Phase : std::uint8_t {
    handshaking,
    idle,
    reading_head,
    busy,
    discarding, // what is left of a request that has been answered
    passing_turn,
    finishing,
    lingering
  };

  void on_stream_open() override;
  void on_stream_data(core::MutableBytes bytes) override;
  void on_stream_drained() override;
  void on_stream_end(event::StreamEnd end, std::string_view why) override;
  void on_deadline(int kind) override;
  void on_turn_end(std::string_view why) override;

  void on_request(StreamId stream, RequestHead& head, bool end) override;
  void on_request_body(StreamId stream, core::Bytes bytes) override;
  void on_request_end(StreamId stream, const FieldList& trailers) override;
  void on_answer_drained(StreamId stream) override;
  void on_stream_closed(StreamId stream, bool clean) override;
  void on_refused(const RequestHead& head, std::uint16_t status, std::string_view why) override;
  void on_flood(std::string_view what) override;
  bool takes_enough() const;
  void note_abuse_of_time();
  void note_failed_handshake(event::StreamEnd end, std::string_view why);

  void write(core::Bytes bytes) override { stream_->write(bytes); }
  std::size_t pending() const override { return stream_->pending(); }
  void shut_down() override { stream_->shut_down(); }

  void make_session();
  void tell_apart(core::Bytes bytes);
  void pass_turn_on(core::Bytes first);
  void finish_stream();
  void flush();
  void enter(Phase phase);
  void linger();
  Phase phase_of_session() const;
  bool ending() const { return phase_ == Phase::finishing || phase_ == Phase::lingering; }
  ExchangeRunner* find(StreamId stream);

  Worker& worker_;
  const ListenerId listener_;
  std::shared_ptr<const Generation> generation_; // has the listener
  const ListenerRules* rules_;                   // of that generation
  MessageLimits limits_;                         // the session's
  const core::SocketAddress peer_;
  const core::SocketAddress local_;
  const ConnectionLimits::Ticket ticket_;
  CountedConnection counted_;
  core::TimePoint accepted_at_{};
  bool secure_ = false;
  bool draining_ = false;
  bool hurried_ = false;       // by drain(), before the first request
  bool told_to_leave_ = false; // by the session
  bool leaving_ = false;       // its listener is gone
  bool served_ = false;        // a request has come
  bool client_ended_ = false;
  bool cut_off_ = false;
  std::optional<SharedGuard::BanNotice> ban_; // of the peer, as of ban_version_
  std::uint64_t ban_version_ = 0;
  std::unique_ptr<event::Stream> stream_;
  std::unique_ptr<ClientSession> session_;
  std::unique_ptr<TurnPassage> turn_;
  std::array<std::uint8_t, kDecisiveBytes> first_{}; // as long as they tell nothing
  std::size_t first_size_ = 0;
  std::unordered_map<std::uint32_t, std::unique_ptr<ExchangeRunner>> exchanges_;
  Phase phase_ = Phase::handshaking;
  std::size_t left_ =
      0; // finishing: what the client had still to take when this was last looked at
  core::Deadline deadline_{static_cast<event::DeadlineHandler*>(this)};
  event::MemberTask<ClientConnection> flush_task_{*this, &ClientConnection::flush};
};

} // namespace rproxyd
