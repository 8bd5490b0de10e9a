// A node's HTTP/2 connection, byte by byte as the fuzzer likes, with three requests in progress: whatever
// comes, each exchange is told of one answer in order and of one end, and nothing after it.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include "rproxyd/http/h2_backend_session.h"
#include "tests/unit/rproxyd/http/recording.h"

namespace rproxyd::test {
namespace {

void must(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << what << '\n';
  std::abort();
}

class Exchange final : public BackendStreamUser {
 public:
  void on_information(ResponseHead& head) override {
    must(!responded_ && !over && head.status < 200 && head.status != 101,
         "an informational answer comes before the final one");
  }
  void on_response(ResponseHead& head, bool end) override {
    must(!responded_ && !over, "one final answer");
    must(head.status >= 200 || (head.status == 101 && tunnel), "a final status");
    for (std::size_t i = 0; i < head.fields.size(); ++i) {
      must(head.fields[i].value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
           "no value that could end a line");
    }
    responded_ = true;
    over = end;
  }
  void on_response_body(core::Bytes bytes) override {
    must(responded_ && !over, "a body lies between head and end");
    must(!bytes.empty(), "a body has bytes");
  }
  void on_response_end(const FieldList&) override {
    must(responded_ && !over, "one end");
    over = true;
  }
  void on_failure(BackendFailure, std::string_view) override {
    must(!over, "no failure behind the end");
    over = true;
  }
  void on_request_drained() override { must(!over || tunnel, "only what goes on drains"); }

  bool over = false;
  bool tunnel = false;

 private:
  bool responded_ = false;
};

} // namespace
} // namespace rproxyd::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rproxyd;       // NOLINT(google-build-using-namespace)
  using namespace rproxyd::test; // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const MessageLimits limits;
  core::ChunkPool pool;
  StringSink sink;
  H2BackendSession session(sink, limits, pool, true);
  std::vector<Exchange> exchanges(3);
  std::vector<BackendStreamId> ids;
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    RequestHead head;
    head.method = i == 1 ? "POST" : "GET";
    head.target = "/";
    head.authority = "a";
    if (i == 1) head.body = {BodySize::Kind::open, 0};
    if (i == 2) head.upgrade = "websocket";
    exchanges[i].tunnel = i == 2;
    ids.push_back(session.open(head, exchanges[i]));
  }
  session.send_body(ids[1], core::bytes_of(std::string(100'000, 'x')));
  session.flush();

  core::Bytes input(data + 1, size - 1);
  const std::size_t piece = 1 + data[0];
  for (std::size_t turn = 0; !input.empty() && !session.finished(); ++turn) {
    const core::Bytes part = input.first(std::min(piece, input.size()));
    input = input.subspan(part.size());
    session.feed(part);
    if (turn % 3 == 0) session.pause(ids[turn % ids.size()]);
    if (turn % 3 == 1) session.resume(ids[(turn - 1) % ids.size()]);
    if (turn == 7) session.finish(ids[1], nullptr);
    session.flush();
  }
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    session.leave(ids[i]);
    exchanges[i].over = true;
  }
  session.flush();
  return 0;
}
