#include <catch2/catch_test_macros.hpp>

#include "rproxyd/proxy/exchange.h"
#include "tests/unit/rproxyd/proxy/exchange_stage.h"

using namespace rproxyd;

namespace {

struct FolderStage : ExchangeStage {
  FolderStage() {
    Route folder;
    folder.path = "/";
    folder.kind = Route::Kind::folder;
    folder.target = "/srv";
    routes = RouteTable({folder});
    request.target = "/a.txt";
    files.files["/srv/a.txt"] = {.content = "hello"};
  }
};

} // namespace

TEST_CASE("a file is sent, and its end is the answer's") {
  FolderStage stage;
  Exchange& exchange = stage.begin();
  CHECK(stage.take() == Said{"respond 200", "body hello", "finish"});
  exchange.on_stream_closed(true);
  CHECK(stage.take() == Said{"ended"});
  CHECK(exchange.record().status == 200);
  CHECK(exchange.record().body_bytes == 5);
}

TEST_CASE("a folder is read from, not written to") {
  FolderStage stage;
  stage.request.method = "POST";
  stage.begin(false);
  CHECK(stage.take().front() == "respond 405");
  CHECK(stage.answered.fields.find("allow") == "GET, HEAD");
}

TEST_CASE("rule 16: a file is read on as the client takes it") {
  FolderStage stage;
  stage.files.files["/srv/a.txt"].content = std::string(3 * kFileChunk, 'x');
  stage.client_queued = kAnswerHighWater;
  Exchange& exchange = stage.begin();
  CHECK(stage.take() == Said{"respond 200"});
  stage.client_queued = 0;
  exchange.on_answer_drained();
  const Said said = stage.take();
  REQUIRE(said.size() == 4);
  CHECK(said.back() == "finish");
  CHECK(exchange.record().body_bytes == 3 * kFileChunk);
}

TEST_CASE("rule 17: a client that takes nothing of a file is given up, a slow one is not") {
  FolderStage stage;
  stage.client_queued = kAnswerHighWater;
  Exchange& exchange = stage.begin();
  CHECK(stage.armed == stage.rules.timeouts.body);
  stage.take();
  stage.client_queued -= 1;
  exchange.on_time();
  CHECK(stage.take() == Said{});
  exchange.on_time();
  CHECK(stage.take() == Said{"reset"});
}

TEST_CASE("what is not in memory is waited for") {
  FolderStage stage;
  stage.files.files["/srv/a.txt"].fetched = false;
  Exchange& exchange = stage.begin();
  CHECK(stage.take() == Said{"respond 200"});
  stage.files.files["/srv/a.txt"].fetched = true;
  exchange.on_file_ready();
  CHECK(stage.take() == Said{"body hello", "finish"});
  exchange.on_file_ready(); // late, and of no interest
  CHECK(stage.take() == Said{});
}

TEST_CASE("rule 19: a file that has become shorter gives an answer that does not look whole") {
  FolderStage stage;
  stage.files.files["/srv/a.txt"].readable = 2;
  stage.begin();
  CHECK(stage.take() == Said{"respond 200", "body he", "reset"});
}

TEST_CASE("a client that breaks off in the midst of a file closes it") {
  FolderStage stage;
  stage.files.files["/srv/a.txt"].fetched = false;
  Exchange& exchange = stage.begin();
  stage.take();
  exchange.on_stream_closed(false);
  CHECK(stage.take() == Said{"ended"});
  exchange.on_file_ready();
  CHECK(stage.take() == Said{});
}

TEST_CASE("the body of a request for a file is read over") {
  FolderStage stage;
  stage.files.files["/srv/a.txt"].fetched = false;
  Exchange& exchange = stage.begin(false);
  stage.take();
  exchange.on_request_body(core::bytes_of("abc"));
  CHECK(stage.take() == Said{"consumed 3"});
  exchange.on_request_end({});
  CHECK(stage.take() == Said{});
}

TEST_CASE("a file that can't be opened for want of descriptors is a 503") {
  FolderStage stage;
  stage.files.shortage = true;
  Exchange& exchange = stage.begin();
  CHECK(stage.take().front() == "respond 503");
  CHECK_FALSE(exchange.trouble().empty());
}
