// Any bytes as a configuration file: of every value that is parsed, the place must be right; both
// daemons' readers must come to an end with settings and problems; and each problem is one line.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/config/document.h"
#include "libcore/config/leave_out.h"
#include "libcore/config/problem.h"
#include "libcore/config/value.h"
#include "rproxyd/settings/read.h"
#include "tests/support/given_surroundings.h"
#include "turnd/settings/not_yet.h"
#include "turnd/settings/read.h"

namespace {

using config::Document;
using config::Node;

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (;;) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string_view beginnings(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "n";
    case Node::Kind::boolean:
      return "tf";
    case Node::Kind::integer:
    case Node::Kind::number:
      return "-0123456789";
    case Node::Kind::string:
      return "\"";
    case Node::Kind::array:
      return "[";
    case Node::Kind::object:
      return "{";
  }
  return "";
}

// The value begins where it says, and behind everything before it.
void check_place(const std::vector<std::string_view>& lines, const Node& node, const Node*& last) {
  require(node.line >= 1 && node.line <= lines.size());
  const auto line = lines[node.line - 1];
  require(node.column >= 1 && node.column <= line.size());
  require(beginnings(node.kind).contains(line[node.column - 1]));
  require(!last || last->line < node.line ||
          (last->line == node.line && last->column < node.column));
  last = &node;
  for (const auto& element : node.elements) check_place(lines, element, last);
  for (const auto& member : node.members) {
    check_place(lines, member.key, last);
    check_place(lines, member.value, last);
  }
}

GivenSurroundings given() {
  GivenSurroundings surroundings;
  surroundings.variables = {{"A", "127.0.0.1"}, {"B", "${A}"},          {"E", ""},
                            {"N", "7"},         {"L", "a=1, 10.0.0.1"}, {"M", "a=b"}};
  surroundings.files["/s"] = {"secret\nsecret\n", false};
  return surroundings;
}

template <typename Read, typename Review>
void read_with(const Document& document, Read read, Review review) {
  const GivenSurroundings surroundings = given();
  config::Problems problems;
  config::Reading reading{document, surroundings, problems};
  const auto settings = read(config::Value::root(reading));
  require(problems.size() <= config::Reading::kMaxProblems);
  if (!has_error(problems)) {
    for (auto& problem : review(settings, document)) problems.push_back(std::move(problem));
  }
  const auto report = config::report("f", problems);
  require(std::ranges::count(report, '\n') == static_cast<std::ptrdiff_t>(problems.size()) + 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  config::Problems problems;
  auto document = Document::parse("f", text, problems);
  require(document || !problems.empty());
  for (const auto& problem : problems) require(!config::to_string(problem).contains('\n'));
  if (!document) return 0;
  const bool has_mark = text.starts_with("\xef\xbb\xbf"); // columns are counted behind it
  const Node* last = nullptr;
  check_place(lines_of(text.substr(has_mark ? 3 : 0)), document->root(), last);
  config::leave_out(*document, given(), problems);
  for (const auto& problem : problems) require(!config::to_string(problem).contains('\n'));
  read_with(*document, turnd::read, turnd::not_yet);
  read_with(*document, rproxyd::read,
            [](const rproxyd::Settings&, const config::Document&) { return config::Problems(); });
  return 0;
}
