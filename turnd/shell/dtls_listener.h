// One worker's socket of a DTLS listener (RFC 7350): strangers are asked for their cookie, and nothing
// is kept of them; a client that brings it gets a session, which is found again by its address.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "libcore/event/fd.h"
#include "libcore/event/steady_watch.h"
#include "libcore/tls/hello_cookies.h"
#include "turnd/shell/datagram_batch.h"
#include "turnd/shell/dtls_client.h"
#include "turnd/shell/dtls_passage.h"
#include "turnd/shell/listener.h"

namespace turnd {

class Worker;

class DtlsListener final : private event::ReadyHandler {
 public:
  // Before others get their turn.
  static constexpr int kBatchesPerTurn = 4;
  // Handshakes in progress, and sessions without an allocation; a further client goes unanswered.
  static constexpr std::size_t kMaxHandshakes = 1024;
  static constexpr std::size_t kMaxUnprovenClients = 4096;
  // What has been sealed and waits for flush(); when it is full it leaves.
  static constexpr std::size_t kSealedBytes = std::size_t{256} << 10;

  DtlsListener(Worker& worker, event::Fd fd, std::shared_ptr<const Listener> listener);
  virtual ~DtlsListener();
  DtlsListener(const DtlsListener&) = delete;
  DtlsListener& operator=(const DtlsListener&) = delete;

  void flush();
  void stop_accepting() { accepting_ = false; }
  void close_all(); // with close_notify
  const std::shared_ptr<const Listener>& listener() const { return listener_; }
  const core::SocketAddress& address() const { return address_; }
  // A reload has kept it, or taken it away: then it is there for its sessions alone. One that is
  // covered by a listener for all addresses goes on as if it had been kept: with its sockets gone the
  // kernel would deal that one's clients out anew.
  void keep(std::shared_ptr<const Listener> listener);
  void depart(bool covered);
  bool departing() const { return departing_; }
  // Of a departing one: whether it can go. Asked now and then.
  bool is_over();
  SendLosses losses() const;
  ListenerFigures figures() const;
  std::size_t clients() const { return clients_.size(); }
  int fd() const { return fd_.get(); }

  // To another process: clients that are served elsewhere, those of this one first if there are any,
  // and where their datagrams are to go. The descriptors are borrowed until stay() or let_go(): after
  // that this listener hears of its clients from the other process alone.
  struct Elsewhere {
    std::vector<FiveTuple> clients;
    int passage = -1;
  };
  core::Result<std::vector<Elsewhere>> leave();
  void stay();
  void let_go();
  // From another process.
  void hand_on_to(event::Fd passage, const std::vector<FiveTuple>& clients);

  // For this listener's clients.
  void send_sealed(const FiveTuple& to, core::Bytes datagram, const IpFields& ip);
  void lose_one() { ++unsealed_; }
  void stage_changed(DtlsClient::Stage from, DtlsClient::Stage to);
  void closed(DtlsClient& client); // retires it

 private:
  // What the process hears that has the listener's socket now, of clients whose sessions are here.
  class Passed final : public event::Retirable, private event::ReadyHandler {
   public:
    Passed(DtlsListener& listener, event::Fd fd) : listener_(listener), fd_(std::move(fd)) {}
    ~Passed() override;
    Passed(const Passed&) = delete;
    Passed& operator=(const Passed&) = delete;
    bool watch();

   private:
    void on_ready(event::Readiness readiness) override;

    DtlsListener& listener_;
    event::Fd fd_;
    bool watched_ = false;
  };

  void on_ready(event::Readiness readiness) override;
  bool hand_on(const FiveTuple& five_tuple, core::Bytes datagram, const IpFields& ip);
  void receive(const FiveTuple& five_tuple, core::MutableBytes datagram, const IpFields& ip);
  DtlsClient* greet(const FiveTuple& five_tuple, const tls::ClientHello& hello, DtlsClient* former);
  void ask_for_cookie(const FiveTuple& five_tuple, const tls::ClientHello& hello);
  bool has_room_for_another() const;
  std::size_t& count_of(DtlsClient::Stage stage) {
    return counts_[static_cast<std::size_t>(stage)];
  }
  std::optional<core::IpAddress> source_of(const FiveTuple& five_tuple) const;

  Worker& worker_;
  event::Fd fd_;
  std::shared_ptr<const Listener> listener_;
  core::SocketAddress address_;
  bool wildcard_; // bound to all addresses: each datagram says which one it came to
  tls::HelloCookies cookies_;
  std::unordered_map<FiveTuple, std::unique_ptr<DtlsClient>, FiveTupleHash> clients_;
  std::array<std::size_t, 3> counts_{}; // of clients, by stage
  DatagramBatch batch_;
  std::unique_ptr<std::uint8_t[]> sealed_;
  std::size_t sealed_size_ = 0;
  ClientFigures figures_;
  std::uint64_t unsealed_ = 0; // what the session could not make a record of, nor hand on
  bool accepting_ = true;
  std::vector<event::Fd> passages_; // to processes that serve clients of this address; empty: ended
  std::unordered_map<FiveTuple, std::size_t, FiveTupleHash> elsewhere_; // which of them
  event::Fd leaving_passage_; // for the next process: its end, until it has it
  std::unique_ptr<Passed> passed_;
  bool departing_ = false;
  bool emptied_ = false; // and the others have been told
  bool covered_ = false;
  std::optional<event::SteadyWatch> watch_; // until another process has the socket
};

} // namespace turnd
