// What the PIN guard makes of paths, requests and answers that somebody else has chosen.
//
// Input: the target, a NUL, the request's body, a NUL, the answer's body. Must hold:
//   - a room has a name in its final form, and other spellings of the target name the same room;
//   - what a reader of JSON takes for a PIN is never overlooked: a body that says "pin" with a value
//     carries one, whether it is cut, packed or embellished;
//   - a request with a PIN that was denied is a failure unless the answer can be read.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rproxyd/guard/ban_file.h"
#include "rproxyd/guard/json_scan.h"
#include "rproxyd/guard/token_evidence.h"
#include "rproxyd/guard/token_paths.h"

namespace {

using namespace rproxyd; // NOLINT(google-build-using-namespace)

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must hold: %s\n", what);
  std::abort();
}

std::string_view take_part(std::string_view& rest) {
  const auto end = rest.find('\0');
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return part;
}

void check_target(std::string_view target) {
  const TokenPaths paths({"/api/client/v2/conferences/*/request_token"});
  const auto room = paths.room_of(target);
  if (!room) return;
  must(!room->empty() && room->size() <= TokenPaths::kMaxRoomBytes, "a room has a name");
  must(room_key(*room) == *room, "the name is in its final form");
  const auto path = target.substr(0, target.find('?'));
  must(paths.room_of(std::string(path) + "?x") == room, "a query makes no difference");
  must(paths.room_of("/" + std::string(target)) == room, "nor does a slash more");
}

// Whole, well-formed members, without a parser: "pin":"…" with something between the quotes, at the
// top of an object that scan_json() takes.
bool plainly_has_pin(std::string_view body) {
  constexpr std::string_view kStart = R"({"pin":")";
  return body.starts_with(kStart) && body.size() > kStart.size() && body[kStart.size()] != '"';
}

void check_request(std::string_view body) {
  RequestHead head;
  head.target = "/";
  const RequestEvidence found = look_at_request(head, body, true);
  const auto value = scan_json(body);
  if (plainly_has_pin(body)) must(found.carries_pin, "a plain PIN is found");
  if (!found.carries_pin) {
    const bool blank = body.find_first_not_of(" \t\r\n") == std::string_view::npos;
    must(blank || (value && value->kind == JsonValue::Kind::object),
         "only what is read is cleared");
    must(look_at_request(head, body, false).carries_pin, "what is cut short is not cleared");
  }
  must(found.extension.size() <= TokenPaths::kMaxRoomBytes, "an extension is bounded");
  if (value) {
    must(!value->raw.empty() && body.find(value->raw) != std::string_view::npos, "raw is borrowed");
    for_each_member(*value, [&](const std::string&, const JsonValue& member) {
      must(scan_json(member.raw).has_value(), "a member is a value");
      must(json_text(member).size() <= member.raw.size(), "escapes only shrink");
    });
  }
}

void check_answer(std::string_view body) {
  const Verdict readable = judge_answer(true, 403, body, true);
  must(readable == Verdict::wrong_pin || readable == Verdict::denied, "a denial");
  if (!scan_json(body)) must(readable == Verdict::wrong_pin, "what can't be read is a failure");
  must(judge_answer(true, 403, body, false) == Verdict::wrong_pin, "nor what was not");
  must(judge_answer(false, 403, body, true) == Verdict::denied, "no PIN, no wrong PIN");
}

void check_ban_file(std::string_view text) {
  const core::Now now{.steady = core::TimePoint(std::chrono::hours(1000)),
                      .wall = core::WallTime(std::chrono::seconds(1'800'000'000))};
  const auto bans = read_bans(text, now, std::chrono::hours(24));
  if (!bans) return;
  const auto again = read_bans(write_bans(*bans, now), now, std::chrono::hours(24));
  if (!again || again->size() != bans->size()) return must(false, "what was read can be kept");
  for (std::size_t i = 0; i < bans->size(); ++i) {
    must((*again)[i].network == (*bans)[i].network && (*again)[i].until == (*bans)[i].until,
         "and means the same");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = core::text_of({data, size});
  check_target(take_part(rest));
  check_request(take_part(rest));
  check_answer(rest);
  check_ban_file(rest);
  return 0;
}
