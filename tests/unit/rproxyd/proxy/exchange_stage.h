// A stage for one Exchange: everything it talks to is a recorder. `said` is what it did, in order.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rproxyd/proxy/exchange.h"
#include "tests/unit/rproxyd/proxy/files_in_memory.h"

namespace rproxyd {

class ExchangeStage : public ExchangeHost, public ClientSession, public BackendLink {
 public:
  ExchangeStage() {
    Route pool;
    pool.path = "/";
    Route home;
    home.path = "/";
    home.exact = true;
    home.kind = Route::Kind::redirect;
    home.target = "/webapp/";
    routes = RouteTable({home, pool});
    rules.routes = &routes;
    rules.retry = {RetryPolicy{.on_status = {502, 503, 504}}};
    request.method = "GET";
    request.target = "/api/client/v2/status";
    request.authority = "proxy.example.com";
    identity.address = core::IpAddress::v4(203, 0, 113, 7);
    identity.peer = core::SocketAddress(identity.address, 40000);
  }

  Exchange& begin(bool ended = true) {
    exchange.emplace(*this, rules, *this, StreamId{1}, request, identity);
    exchange->start(ended);
    return *exchange;
  }
  // What was done since the last call.
  std::vector<std::string> take() { return std::exchange(said, {}); }

  static ResponseHead answer(std::uint16_t status) {
    ResponseHead head;
    head.status = status;
    head.body = {.kind = BodySize::Kind::open};
    return head;
  }

  core::ChunkPool chunks;
  RouteTable routes{{}};
  ExchangeRules rules;
  RequestHead request;
  ClientIdentity identity;
  core::Now time{.steady = core::TimePoint(std::chrono::seconds(1000)), .wall = {}};
  std::size_t backends = 3;
  std::size_t link_pending = 0;
  std::size_t client_queued = 0;
  std::optional<BackendKey> wanted_backend; // of the last choice
  int retries_left = 1000;
  std::vector<BackendPool::Outcome> outcomes;
  std::vector<Lasting> lasting;
  std::vector<std::string> said;
  ResponseHead answered;            // the latest
  std::optional<Exchange> exchange; // last: its buffer goes back to `chunks`

  // ExchangeHost
  const core::Now& now() const override { return time; }
  std::string_view http_date() const override { return "Sun, 01 Mar 2026 12:00:00 GMT"; }
  core::ChunkPool& pool() override { return chunks; }
  std::string fresh_request_id() override { return "0123456789abcdef"; }
  WebSocketNonce random_nonce() override { return {1, 2, 3}; }
  std::optional<BackendId> choose(const Route&, const core::IpAddress&,
                                  std::span<const BackendId> tried,
                                  std::optional<BackendKey> wanted) override {
    wanted_backend = wanted;
    if (tried.size() >= backends) return std::nullopt;
    return static_cast<BackendId>(tried.size());
  }
  BackendKey backend_key(const Route&, BackendId id) const override {
    return static_cast<BackendKey>(0xabc0 + static_cast<unsigned>(id));
  }
  bool may_retry(const Route&) override { return retries_left-- > 0; }
  void attempt_ended(BackendPool::Outcome outcome) override { outcomes.push_back(outcome); }
  std::string backend_name(const Route&, BackendId id) const override {
    return fmt::format("node{}", static_cast<unsigned>(id));
  }
  void connect(const Route&, BackendId id, bool fresh, bool) override {
    say("connect node{}{}", static_cast<unsigned>(id), fresh ? " fresh" : "");
  }
  void cancel_connect() override { say("cancel connect"); }
  void arm(core::Duration delay) override { armed = delay; }
  void lasts(Lasting kind) override { lasting.push_back(kind); }
  void ended() override { say("ended"); }
  std::expected<std::unique_ptr<FileSource>, OpenFailure> open_file(
      const std::string& folder, const std::string& path) override {
    return files.open_file(folder, path);
  }
  FilesInMemory files;
  core::Duration armed{};

  // ClientSession
  void feed(core::Bytes, const core::Now&) override {}
  bool feed_end() override { return false; }
  void break_off() override {}
  bool wants_input() const override { return true; }
  void send_continue(StreamId) override { say("continue"); }
  void inform(StreamId, const ResponseHead& head) override { say("inform {}", head.status); }
  void respond(StreamId, const ResponseHead& head) override {
    say("respond {}", head.status);
    answered = head;
    if (const auto to = head.fields.find("location")) say("location {}", *to);
    if (const auto cookie = head.fields.find("set-cookie")) say("set-cookie {}", *cookie);
  }
  void send_body(StreamId, core::Bytes bytes) override { say("body {}", core::text_of(bytes)); }
  void finish(StreamId, const FieldList*) override { say("finish"); }
  void reset(StreamId) override { say("reset"); }
  void consumed(StreamId, std::size_t bytes) override { say("consumed {}", bytes); }
  std::size_t queued(StreamId) const override { return client_queued; }
  void drain() override {}
  void drain_gently() override {}
  void flush(const core::Now&) override {}
  bool idle() const override { return false; }
  bool reading_head() const override { return false; }
  bool finished() const override { return false; }
  bool broken() const override { return false; }

  // BackendLink
  void send_request(const RequestHead& head) override { say("-> {} {}", head.method, head.target); }
  void send_body(core::Bytes bytes) override { say("-> body {}", core::text_of(bytes)); }
  void finish(const FieldList*) override { say("-> finish"); }
  std::size_t pending() const override { return link_pending; }
  void pause() override { say("-> pause"); }
  void resume() override { say("-> resume"); }
  void release() override { say("-> release"); }
  void abort() override { say("-> abort"); }

 private:
  template <typename... T>
  void say(fmt::format_string<T...> text, T&&... values) {
    said.push_back(fmt::format(text, std::forward<T>(values)...));
  }
};

using Said = std::vector<std::string>;

// The body of an answer of the proxy's own.
inline std::string local(int status, std::string_view text) {
  return fmt::format("body {} {}\n", status, text);
}

} // namespace rproxyd
