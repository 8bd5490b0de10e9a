// What a session does, as text: the bytes that it puts on the wire, and its events one a line.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rproxyd/http/backend_session.h"
#include "rproxyd/http/client_session.h"

namespace rproxyd::test {

class StringSink final : public Sink {
 public:
  void write(core::Bytes bytes) override { written += core::text_of(bytes); }
  std::size_t pending() const override { return blocked ? written.size() : 0; }

  void shut_down() override { ended = true; }

  std::string written;
  bool ended = false;
  bool blocked = false; // a peer that does not read: all that was written is pending
};

inline std::string to_text(const FieldList& fields) {
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    text += fmt::format(" {}={}", fields[i].name, fields[i].value);
  }
  return text;
}

inline std::string to_text(const BodySize& body) {
  switch (body.kind) {
    case BodySize::Kind::none:
      return "none";
    case BodySize::Kind::length:
      return fmt::format("{}", body.length);
    case BodySize::Kind::open:
      return "open";
  }
  return "?";
}

// Lines of events; the bytes of a body that follow each other are one line, however they came.
class EventLog {
 public:
  void add(std::string line) { lines.push_back(std::move(line)); }
  void add_body(std::string_view prefix, core::Bytes bytes) {
    if (lines.empty() || !lines.back().starts_with(prefix)) lines.emplace_back(prefix);
    lines.back() += core::text_of(bytes);
  }
  std::vector<std::string> lines;
};

class RecordingClient final : public ClientEvents, public EventLog {
 public:
  void on_request(StreamId stream, RequestHead& head, bool end) override {
    ++open;
    latest = stream;
    latest_head = &head;
    add(fmt::format("request {} {} {} at {}{} body {}{}", std::to_underlying(stream), head.method,
                    head.target, head.authority, to_text(head.fields), to_text(head.body),
                    end ? " end" : ""));
    if (when_requested) when_requested(stream, head);
  }
  void on_request_body(StreamId stream, core::Bytes bytes) override {
    add_body(fmt::format("body {} ", std::to_underlying(stream)), bytes);
    body_bytes += bytes.size();
    if (when_body) when_body(stream, bytes);
  }
  void on_request_end(StreamId stream, const FieldList& trailers) override {
    add(fmt::format("end {}{}", std::to_underlying(stream), to_text(trailers)));
    if (when_ended) when_ended(stream);
  }
  void on_answer_drained(StreamId stream) override {
    add(fmt::format("drained {}", std::to_underlying(stream)));
  }
  void on_stream_closed(StreamId stream, bool clean) override {
    --open;
    add(fmt::format("closed {}{}", std::to_underlying(stream), clean ? "" : " broken"));
  }
  void on_refused(const RequestHead& head, std::uint16_t status, std::string_view why) override {
    refused_status = status;
    refused_why = why;
    add(fmt::format("refused {} {} {}", head.method, head.target, status));
  }

  void on_flood(std::string_view what) override { floods.emplace_back(what); }

  std::function<void(StreamId, RequestHead&)> when_requested;
  std::function<void(StreamId, core::Bytes)> when_body;
  std::function<void(StreamId)> when_ended;
  StreamId latest{0};
  RequestHead* latest_head = nullptr;
  std::uint16_t refused_status = 0;
  std::string refused_why;
  std::vector<std::string> floods;
  std::size_t body_bytes = 0;
  int open = 0;
};

class RecordingBackend final : public BackendEvents, public EventLog {
 public:
  void on_information(ResponseHead& head) override {
    add(fmt::format("information {}{}", head.status, to_text(head.fields)));
  }
  void on_response(ResponseHead& head, bool end) override {
    add(fmt::format("response {}{} body {}{}", head.status, to_text(head.fields),
                    to_text(head.body), end ? " end" : ""));
  }
  void on_response_body(core::Bytes bytes) override { add_body("body ", bytes); }
  void on_response_end(const FieldList& trailers) override { add("end" + to_text(trailers)); }
  void on_failure(BackendFailure failure, std::string_view why) override {
    static constexpr std::string_view kNames[] = {"closed_before_answer", "closed_in_answer",
                                                  "malformed", "too_large", "refused"};
    failure_why = why;
    add(fmt::format("failure {}", kNames[std::to_underlying(failure)]));
  }

  std::string failure_why;
};

inline constexpr core::Now kNow{core::TimePoint(std::chrono::hours(1)),
                                core::WallTime(std::chrono::seconds(784111777))};
inline constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT"; // kNow's

using Lines = std::vector<std::string>;

} // namespace rproxyd::test
