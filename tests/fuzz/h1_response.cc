// A backend's answers, and what they look like to a client.
//
// The first byte says into what pieces the rest is cut, and whether the request was HEAD. Must hold:
//   - the pieces make no difference;
//   - a connection that looks reusable has given one whole answer;
//   - what is written to the client reads there as the same answer, whole only if it was.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rproxyd/http/h1_backend_session.h"
#include "rproxyd/http/h1_client_session.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must hold: %s\n", what);
  std::abort();
}

// Passes an answer on to a client that is a string.
class Proxy final : public BackendEvents {
 public:
  Proxy(ClientSession& client, StreamId stream) : client_(client), stream_(stream) {}

  void on_information(ResponseHead& head) override {
    must(!responded && !ended && head.status >= 100 && head.status < 200 && head.status != 101,
         "1xx comes first");
  }
  void on_response(ResponseHead& head, bool end) override {
    must(!responded && !ended, "one answer");
    responded = true;
    must(head.status >= 200 && head.status < 600, "a status");
    for (std::size_t i = 0; i < head.fields.size(); ++i) {
      const auto [name, value] = head.fields[i];
      must(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
           "values are one line");
      must(name != "content-length" && name != "transfer-encoding" && name != "connection",
           "hop-by-hop fields are gone");
    }
    summary = fmt::format("{}{} {}", head.status, to_text(head.fields), to_text(head.body));
    client_.respond(stream_, head);
    if (end) finish(nullptr);
  }
  void on_response_body(core::Bytes bytes) override {
    must(responded && !ended && !bytes.empty(), "a body comes between head and end");
    body += core::text_of(bytes);
    client_.send_body(stream_, bytes);
  }
  void on_response_end(const FieldList& trailers) override {
    must(responded && !ended, "one end");
    finish(&trailers);
  }
  void on_failure(BackendFailure, std::string_view) override {
    must(!failed, "one failure");
    failed = true;
    if (!ended) client_.reset(stream_);
  }
  void finish(const FieldList* trailers) {
    ended = true;
    client_.finish(stream_, trailers);
  }

  std::string summary, body;
  bool responded = false, ended = false, failed = false;

 private:
  ClientSession& client_;
  StreamId stream_;
};

struct Outcome {
  std::string summary, body, to_client;
  bool ended = false, failed = false, reusable = false;
};

Outcome run(std::string_view input, bool is_head, std::size_t piece) {
  const MessageLimits limits;
  StringSink to_client, to_backend;
  RecordingClient client_events;
  H1ClientSession client(to_client, client_events, limits);
  client.feed(core::bytes_of(is_head ? "HEAD / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n"
                                     : "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n"),
              kNow);

  Proxy proxy(client, client_events.latest);
  H1BackendSession backend(to_backend, proxy, limits);
  backend.send_request(*client_events.latest_head);
  backend.finish(nullptr);
  while (!input.empty()) {
    const std::string part(input.substr(0, piece));
    input.remove_prefix(part.size());
    backend.feed(core::bytes_of(part));
  }
  const bool reusable = backend.reusable();
  must(!reusable || (proxy.ended && !proxy.failed),
       "only a whole answer leaves a reusable connection");
  backend.feed_end();
  must(proxy.ended || proxy.failed, "an answer ends, one way or the other");
  client.flush(kNow);
  must(client.broken() == !proxy.ended, "a client is told of an answer that is not whole");
  return {proxy.summary, proxy.body, to_client.written, proxy.ended, proxy.failed, reusable};
}

} // namespace
} // namespace rproxyd::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rproxyd::test; // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const bool is_head = (data[0] & 0x80) != 0;
  const std::string_view input = core::text_of({data + 1, size - 1});
  const Outcome whole = run(input, is_head, input.size());
  Outcome pieces = run(input, is_head, 1 + (data[0] & 0x7f) % 40);
  // Left-over bytes in a later piece are a failure of their own; in the same one they are not.
  if (whole.ended) pieces.failed = whole.failed;
  // What the client is sent may be chunked otherwise.
  must(whole.summary == pieces.summary && whole.body == pieces.body &&
           whole.ended == pieces.ended && whole.failed == pieces.failed &&
           whole.reusable == pieces.reusable,
       "pieces give the same answer");

  const Outcome again = run(whole.to_client, is_head, whole.to_client.size());
  must(again.ended == whole.ended, "what is passed on is whole only if it was");
  must(again.body == whole.body, "what is passed on is what was answered");
  return 0;
}
