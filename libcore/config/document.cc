#include "libcore/config/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "libcore/base/text.h"

namespace config {
namespace {

struct Position {
  unsigned line = 1;
  unsigned column = 1;
};

Position position_at(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto last_newline = before.rfind('\n');
  const std::size_t line_start = last_newline == std::string_view::npos ? 0 : last_newline + 1;
  return {static_cast<unsigned>(std::ranges::count(before, '\n') + 1),
          static_cast<unsigned>(offset - line_start + 1)};
}

// Walks over the text from token to token, in step with the parser, which says what the tokens
// are but not where (nlohmann/json 3.11 keeps no positions). What lies between two tokens of a
// valid text is known: white space, comments, commas and colons.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) offset_ = line_start_ = 3; // a byte order mark
  }

  // The start of the next token, which is then left behind.
  Position next() {
    skip_to_token();
    const Position start{line_, static_cast<unsigned>(offset_ - line_start_ + 1)};
    skip_token();
    return start;
  }

 private:
  void skip_to_token() {
    while (offset_ < text_.size()) {
      const char c = text_[offset_];
      if (c == '\n') {
        new_line();
      } else if (c == '/' && at(1) == '/') {
        offset_ = std::min(text_.find_first_of("\r\n", offset_), text_.size());
      } else if (c == '/' && at(1) == '*') {
        skip_block_comment();
      } else if (c == ' ' || c == '\t' || c == '\r' || c == ',' || c == ':') {
        ++offset_;
      } else {
        return;
      }
    }
  }

  void skip_block_comment() {
    const auto end = std::min(text_.find("*/", offset_ + 2), text_.size());
    while (offset_ < end) {
      if (text_[offset_] == '\n') {
        new_line();
      } else {
        ++offset_;
      }
    }
    offset_ = std::min(end + 2, text_.size());
  }

  void skip_token() {
    if (offset_ == text_.size()) return;
    const char first = text_[offset_++];
    if (std::string_view("{}[]").contains(first)) return;
    if (first == '"') {
      while (offset_ < text_.size() && text_[offset_] != '"') {
        offset_ += text_[offset_] == '\\' ? 2 : 1;
      }
      offset_ = std::min(offset_ + 1, text_.size());
      return;
    }
    const auto belongs = [](char c) { // to a number, true, false or null
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '+' || c == '-' ||
             c == '.';
    };
    while (offset_ < text_.size() && belongs(text_[offset_])) ++offset_;
  }

  char at(std::size_t ahead) const {
    return offset_ + ahead < text_.size() ? text_[offset_ + ahead] : '\0';
  }
  void new_line() {
    line_start_ = ++offset_;
    ++line_;
  }

  std::string_view text_;
  std::size_t offset_ = 0;
  std::size_t line_start_ = 0;
  unsigned line_ = 1;
};

// Builds the tree from the parser's events. Every event returns whether to go on.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(const std::string& file, std::string_view text, Problems& problems)
      : file_(file), text_(text), problems_(problems), walker_(text) {}

  Node take_root() { return std::move(root_); }

  bool null() override { return add(Node::Kind::null); }
  bool boolean(bool value) override {
    return add(Node::Kind::boolean, [&](Node& n) { n.boolean = value; });
  }
  bool number_integer(number_integer_t value) override { return add_integer(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return add_integer(static_cast<std::int64_t>(value));
    }
    return add(Node::Kind::number, [&](Node& n) { n.text = std::to_string(value); });
  }
  bool number_float(number_float_t, const string_t& written) override {
    return add(Node::Kind::number, [&](Node& n) { n.text = written; });
  }
  bool string(string_t& value) override {
    const bool has_nul = value.find('\0') != std::string::npos;
    return add(Node::Kind::string, [&](Node& n) {
      n.text = std::move(value);
      if (has_nul) refuse(n, "a string holds a NUL character", "text without \\u0000");
    });
  }
  bool binary(binary_t&) override { return false; } // never in text

  bool start_array(std::size_t) override { return open(Node::Kind::array); }
  bool end_array() override { return close(); }
  bool start_object(std::size_t) override { return open(Node::Kind::object); }
  bool end_object() override { return close(); }

  bool key(string_t& name) override {
    Node key;
    key.kind = Node::Kind::string;
    place(key);
    if (name.find('\0') != std::string::npos) {
      refuse(key, "a key holds a NUL character", "text without \\u0000");
    }
    key.text = std::move(name);
    key_ = std::move(key);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& last_read,
                   const nlohmann::detail::exception& error) override {
    const auto [line, column] = position_at(text_, position == 0 ? 0 : position - 1);
    problems_.push_back(
        {Severity::error,
         {file_, line, column, ""},
         fmt::format("not JSON at column {}: {}", column, reason(error.what(), last_read)),
         ""});
    return false;
  }

 private:
  // Of "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing
  // value - invalid literal; last read: '{x'; expected '}'", what is not said elsewhere, and not the
  // last token: it may be part of a secret.
  static std::string reason(std::string_view what, const std::string& last_read) {
    for (const std::string_view before : {"] ", ": "}) {
      const auto found = what.find(before);
      if (found != std::string_view::npos) what.remove_prefix(found + before.size());
    }
    std::string text(what);
    const auto repeated = fmt::format("; last read: '{}'", last_read);
    if (const auto start = text.find(repeated); start != std::string::npos) {
      text.erase(start, repeated.size());
    }
    return text;
  }

  void place(Node& node) {
    const auto start = walker_.next();
    node.line = start.line;
    node.column = start.column;
  }

  void refuse(const Node& node, std::string found, std::string expected) {
    problems_.push_back({Severity::error,
                         {file_, node.line, node.column, ""},
                         std::move(found),
                         std::move(expected)});
  }

  bool add_integer(std::int64_t value) {
    return add(Node::Kind::integer, [&](Node& n) {
      n.integer = value;
      n.text = std::to_string(value);
    });
  }

  bool add(Node::Kind kind) {
    return add(kind, [](Node&) {});
  }
  template <typename Fill>
  bool add(Node::Kind kind, Fill fill) {
    Node node;
    node.kind = kind;
    place(node);
    fill(node);
    attach(std::move(node));
    return true;
  }

  bool open(Node::Kind kind) {
    Node node;
    node.kind = kind;
    place(node);
    if (open_.size() == Document::kMaxDepth) {
      refuse(node, "arrays and objects inside of each other, too deep",
             fmt::format("at most {} levels", Document::kMaxDepth));
      return false;
    }
    open_.push_back({std::move(node), std::exchange(key_, std::nullopt)});
    return true;
  }

  bool close() {
    walker_.next();
    auto closed = std::move(open_.back());
    open_.pop_back();
    key_ = std::move(closed.key);
    attach(std::move(closed.node));
    return true;
  }

  void attach(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Node& parent = open_.back().node;
    if (parent.kind == Node::Kind::array) {
      parent.elements.push_back(std::move(node));
      return;
    }
    Node key = std::exchange(key_, std::nullopt).value_or(Node{});
    const auto first = std::ranges::find(parent.members, key.text,
                                         [](const Member& m) -> auto& { return m.key.text; });
    if (first != parent.members.end()) {
      problems_.push_back(
          {Severity::error,
           {file_, key.line, key.column, pointer_to(pointer(), key.text)},
           fmt::format("the key stands here for the second time, and first in line {}",
                       first->key.line),
           "each key once"});
      return;
    }
    parent.members.push_back({std::move(key), std::move(node)});
  }

  // To the innermost open array or object.
  std::string pointer() const {
    std::string text;
    for (std::size_t i = 1; i < open_.size(); ++i) {
      const auto& key = open_[i].key;
      text =
          key ? pointer_to(text, key->text) : pointer_to(text, open_[i - 1].node.elements.size());
    }
    return text;
  }

  struct Open {
    Node node;
    std::optional<Node> key; // that it will be the value of
  };

  const std::string& file_;
  std::string_view text_;
  Problems& problems_;
  Walker walker_;
  std::vector<Open> open_;
  std::optional<Node> key_; // whose value comes next
  Node root_;
};

// What the parser would take for the end of the text, or let pass in a comment.
bool is_clean(const std::string& file, std::string_view text, Problems& problems) {
  for (std::size_t offset = 0; offset < text.size();) {
    const auto code = core::decode_utf8(text.substr(offset));
    if (code && code->value != 0) {
      offset += code->size;
      continue;
    }
    const auto [line, column] = position_at(text, offset);
    problems.push_back(
        {Severity::error,
         {file, line, column, ""},
         fmt::format("{} at column {}", code ? "a NUL character" : "not UTF-8", column),
         "text in UTF-8"});
    return false;
  }
  return true;
}

} // namespace

std::optional<Document> Document::parse(const std::string& file, std::string_view text,
                                        Problems& problems, std::size_t most) {
  if (text.size() > most) {
    problems.push_back({Severity::error,
                        {file, 0, 0, ""},
                        fmt::format("has {} bytes", text.size()),
                        fmt::format("at most {}", most)});
    return std::nullopt;
  }
  if (!is_clean(file, text, problems)) return std::nullopt;

  Builder builder(file, text, problems);
  constexpr bool kStrict = true;
  constexpr bool kIgnoreComments = true;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder,
                                 nlohmann::json::input_format_t::json, kStrict, kIgnoreComments)) {
    return std::nullopt;
  }
  return Document(file, builder.take_root());
}

const Node* Node::member(std::string_view key) const {
  for (const auto& member : members) {
    if (member.key.text == key) return &member.value;
  }
  return nullptr;
}

const Node* Document::find(std::string_view pointer) const {
  const Node* node = &root_;
  while (node && !pointer.empty()) {
    pointer.remove_prefix(1); // '/'
    const auto part = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(part.size());
    if (node->kind == Node::Kind::array) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
      const bool valid = error == std::errc{} && end == part.data() + part.size();
      node = valid && index < node->elements.size() ? &node->elements[index] : nullptr;
    } else {
      std::string key;
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (part[i] == '~' && i + 1 < part.size()) {
          key += part[++i] == '1' ? '/' : '~';
        } else {
          key += part[i];
        }
      }
      node = node->member(key);
    }
  }
  return node;
}

Place Document::place(std::string_view pointer) const {
  const Node* node = find(pointer);
  return {file_, node ? node->line : 0, node ? node->column : 0, std::string(pointer)};
}

std::string pointer_to(std::string_view parent, std::string_view key) {
  std::string pointer(parent);
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string pointer_to(std::string_view parent, std::size_t index) {
  return fmt::format("{}/{}", parent, index);
}

} // namespace config
