#include "libcore/config/leave_out.h"

#include <algorithm>
#include <string>

#include "libcore/config/expand.h"
#include "libcore/config/words.h"

namespace config {
namespace {

class Pruning {
 public:
  Pruning(const std::string& file, const Surroundings& surroundings, Problems& problems)
      : file_(file), surroundings_(surroundings), problems_(problems) {}

  // No deeper than Document::kMaxDepth.
  void prune(Node& node, const std::string& pointer) {
    std::size_t index = 0; // in the file
    std::erase_if(node.elements,
                  [&](Node& element) { return is_out(element, pointer_to(pointer, index++)); });
    std::erase_if(node.members, [&](Member& member) {
      return is_out(member.value, pointer_to(pointer, member.key.text));
    });
  }

 private:
  bool is_out(Node& node, const std::string& pointer) {
    if (node.kind == Node::Kind::string) return stands_for_nothing(node.text, surroundings_);
    const auto condition =
        std::ranges::find(node.members, kCondition, [](const Member& m) { return m.key.text; });
    if (condition != node.members.end()) {
      if (!holds(condition->value, pointer_to(pointer, kCondition))) return true;
      node.members.erase(condition);
    }
    prune(node, pointer);
    return false;
  }

  // What can't be understood holds, so that problems with the rest are found as well.
  bool holds(const Node& condition, const std::string& pointer) {
    if (condition.kind == Node::Kind::boolean) return condition.boolean;
    if (condition.kind == Node::Kind::string && mentions_variable(condition.text)) {
      const auto text = expand(condition.text, surroundings_);
      if (text) return !text->empty() && !is_no(*text);
      note(condition, pointer, text.error().text, text.error().expected);
      return true;
    }
    note(condition, pointer, "is no condition",
         "true, false, or a variable: \"${NAME:-}\", which holds unless it is empty or says no");
    return true;
  }

  void note(const Node& node, const std::string& pointer, std::string found, std::string expected) {
    problems_.push_back({Severity::error,
                         {file_, node.line, node.column, pointer},
                         std::move(found),
                         std::move(expected)});
  }

  const std::string& file_;
  const Surroundings& surroundings_;
  Problems& problems_;
};

} // namespace

void leave_out(Document& document, const Surroundings& surroundings, Problems& problems) {
  Pruning(document.file(), surroundings, problems).prune(document.root(), "");
}

} // namespace config
