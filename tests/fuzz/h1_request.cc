// A client's HTTP/1 connection, and what its requests look like to a backend.
//
// The first byte says into what pieces the rest is cut. Must hold:
//   - the pieces make no difference;
//   - every request that is let through obeys the rules of design, whatever it was made of;
//   - what is written to the backend reads there as those same requests and no other one.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rproxyd/http/forwarding.h"
#include "rproxyd/http/h1_backend_session.h"
#include "rproxyd/http/h1_client_session.h"
#include "rproxyd/http/request_rules.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must hold: %s\n", what);
  std::abort();
}

struct Message {
  std::string method, target, authority, body;
  bool whole = false;
  friend bool operator==(const Message&, const Message&) = default;
};

void check(const RequestHead& head) {
  must(is_token(head.method), "the method is a token");
  must(head.target == "*" || head.target.starts_with('/'), "the target is a path");
  must(std::ranges::all_of(head.target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; }),
       "the target is clean");
  must(is_authority(head.authority), "the authority is one");
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const auto [name, value] = head.fields[i];
    must(is_token(name) && std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; }),
         "names are lower-case tokens");
    must(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
         "values are one line");
    must(name != "host" && name != "content-length" && name != "transfer-encoding",
         "framing fields are taken out");
  }
}

// Forwards each request to a backend that is a string, and answers it when it has ended.
class Proxy final : public ClientEvents {
 public:
  void on_request(StreamId stream, RequestHead& head, bool end) override {
    must(!open, "one exchange at a time");
    open = true;
    check(head);
    messages.push_back({head.method, head.target, head.authority, "", end});
    prepare_for_backend(
        head, identify_client(head.fields,
                              core::SocketAddress(core::IpAddress::v4(192, 0, 2, 1), 1), true, {}));
    head.expect_continue = false;
    backend = std::make_unique<H1BackendSession>(to_backend, backend_events, limits);
    backend->send_request(head);
    if (end) answer(stream);
  }
  void on_request_body(StreamId stream, core::Bytes bytes) override {
    messages.back().body += core::text_of(bytes);
    backend->send_body(bytes);
    client->consumed(stream, bytes.size());
  }
  void on_request_end(StreamId stream, const FieldList& trailers) override {
    messages.back().whole = true;
    backend->finish(&trailers);
    answer(stream);
  }
  void on_answer_drained(StreamId) override {}
  void on_stream_closed(StreamId, bool) override {
    must(open, "a stream closes once");
    open = false;
  }
  void on_refused(const RequestHead&, std::uint16_t status, std::string_view) override {
    must(status >= 400 && status < 600, "a refusal is an error");
    ++refused;
  }
  void answer(StreamId stream) const {
    ResponseHead head;
    head.status = 200;
    head.body = {BodySize::Kind::open, 0};
    client->respond(stream, head);
    client->send_body(stream, core::bytes_of("ok"));
    client->finish(stream, nullptr);
  }

  MessageLimits limits;
  H1ClientSession* client = nullptr;
  StringSink to_backend;
  RecordingBackend backend_events;
  std::unique_ptr<H1BackendSession> backend;
  std::vector<Message> messages;
  bool open = false;
  int refused = 0;
};

struct Outcome {
  std::vector<Message> messages;
  int refused = 0;
  std::string to_client, to_backend;
  bool open = false;
};

Outcome run(std::string_view input, std::size_t piece, const MessageLimits& limits = {}) {
  StringSink sink;
  Proxy proxy;
  proxy.limits = limits;
  H1ClientSession session(sink, proxy, proxy.limits);
  proxy.client = &session;
  while (!input.empty() && !session.finished()) {
    const std::string part(input.substr(0, piece));
    input.remove_prefix(part.size());
    session.feed(core::bytes_of(part), kNow);
    session.flush(kNow);
    must(session.finished() || session.wants_input(),
         "nothing blocks a connection whose bytes are consumed at once");
  }
  Outcome outcome{proxy.messages, proxy.refused, sink.written, proxy.to_backend.written,
                  proxy.open};
  session.break_off();
  must(!proxy.open, "no exchange outlives its connection");
  must(session.finished(), "a connection's end ends it");
  return outcome;
}

} // namespace
} // namespace rproxyd::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rproxyd::test; // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const std::string_view input = core::text_of({data + 1, size - 1});
  const Outcome whole = run(input, input.size());
  const Outcome pieces = run(input, 1 + data[0] % 40);
  must(whole.messages == pieces.messages, "pieces give the same requests");
  must(whole.refused == pieces.refused && whole.to_client == pieces.to_client,
       "pieces give the same answers");

  rproxyd::MessageLimits wider; // the proxy adds fields of its own
  wider.header_count *= 2;
  wider.header_bytes *= 2;
  const Outcome again = run(whole.to_backend, whole.to_backend.size(), wider);
  must(again.refused == 0, "what is forwarded is never refused");
  must(again.messages == whole.messages, "what is forwarded is what was asked for");
  return 0;
}
