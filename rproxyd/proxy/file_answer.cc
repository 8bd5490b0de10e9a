#include "rproxyd/proxy/file_answer.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "rproxyd/http/conditions.h"
#include "rproxyd/http/http_date.h"
#include "rproxyd/http/ranges.h"
#include "rproxyd/proxy/local_answer.h"

namespace rproxyd {
namespace {

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", range.first, range.first + range.length - 1, size);
}

void set_length(ResponseHead& head, std::uint64_t length) {
  head.body = {.kind = BodySize::Kind::length, .length = length};
}

// RFC 9110 section 14.6: each part says what it is.
void answer_in_parts(FileAnswer& answer, const std::vector<ByteRange>& ranges,
                     std::string_view content_type, std::uint64_t size, std::string_view etag) {
  // As long as nobody knows when a file will be changed, nobody can put this into it.
  const std::string boundary =
      fmt::format("part-{:016x}", std::hash<std::string_view>()(etag) ^ size);
  std::uint64_t length = 0;
  for (const ByteRange& range : ranges) {
    answer.pieces.push_back(
        {.text = fmt::format("\r\n--{}\r\ncontent-type: {}\r\ncontent-range: {}\r\n\r\n", boundary,
                             content_type, content_range(range, size)),
         .offset = range.first,
         .length = range.length});
    length += answer.pieces.back().text.size() + range.length;
  }
  answer.pieces.push_back({.text = fmt::format("\r\n--{}--\r\n", boundary)});
  length += answer.pieces.back().text.size();
  answer.head.fields.add("content-type",
                         fmt::format("multipart/byteranges; boundary={}", boundary));
  set_length(answer.head, length);
}

RequestedRanges wanted_ranges(const RequestHead& request, const Validators& current,
                              std::uint64_t size, core::WallTime now) {
  // Ranges are of GET alone (RFC 9110 section 14.2).
  const auto range = request.fields.find("range");
  if (request.method != "GET" || !range || request.fields.count("range") != 1) return {};
  if (!range_is_wanted(request.fields, current, now)) return {};
  return parse_range(*range, size);
}

FileAnswer failed_precondition(bool is_head) {
  auto local = error_answer(412, "The file is not what it was.");
  FileAnswer answer{.head = std::move(local.head), .pieces = {}};
  if (!is_head) answer.pieces.push_back({.text = std::move(local.body)});
  return answer;
}

} // namespace

std::string entity_tag(const FileFacts& facts, std::string_view coding) {
  return fmt::format("\"{:x}.{:08x}-{:x}{}{}\"", facts.modified.time_since_epoch().count(),
                     facts.modified_nanoseconds, facts.size, coding.empty() ? "" : "-", coding);
}

FileAnswer answer_with(const FoundFile& found, const RequestHead& request, const FolderRules& rules,
                       core::WallTime now) {
  using Kind = RequestedRanges::Kind;
  const FileFacts& facts = found.file->facts();
  const std::string etag = entity_tag(facts, found.coding);
  const Validators current{.etag = etag, .modified = facts.modified};
  const Condition condition = check_conditions(request.fields, current, now);
  if (condition == Condition::failed) return failed_precondition(request.method == "HEAD");

  FileAnswer answer;
  ResponseHead& head = answer.head;
  head.status = 200;
  head.fields.add("etag", etag);
  // Never later than Date (RFC 9110 section 8.8.2.1).
  head.fields.add("last-modified", http_date(std::min(facts.modified, now)));
  if (!rules.cache_control.empty()) head.fields.add("cache-control", rules.cache_control);
  if (found.varies) head.fields.add("vary", "Accept-Encoding");
  if (condition == Condition::not_modified) {
    head.status = 304;
    head.body = {};
    return answer;
  }

  head.fields.add("accept-ranges", "bytes");
  head.fields.add("x-content-type-options", "nosniff");
  if (!found.coding.empty()) head.fields.add("content-encoding", found.coding);
  const RequestedRanges ranges = wanted_ranges(request, current, facts.size, now);
  switch (ranges.kind) {
    case Kind::ignored:
      head.fields.add("content-type", found.content_type);
      set_length(head, facts.size);
      answer.pieces.push_back({.length = facts.size});
      break;
    case Kind::unsatisfiable:
      head.status = 416;
      head.fields.remove("content-encoding");
      head.fields.add("content-range", fmt::format("bytes */{}", facts.size));
      set_length(head, 0);
      break;
    case Kind::satisfiable:
      head.status = 206;
      if (ranges.ranges.size() > 1) {
        answer_in_parts(answer, ranges.ranges, found.content_type, facts.size, etag);
        break;
      }
      head.fields.add("content-type", found.content_type);
      head.fields.add("content-range", content_range(ranges.ranges.front(), facts.size));
      set_length(head, ranges.ranges.front().length);
      answer.pieces.push_back(
          {.offset = ranges.ranges.front().first, .length = ranges.ranges.front().length});
      break;
  }
  if (request.method == "HEAD") answer.pieces.clear();
  return answer;
}

} // namespace rproxyd
