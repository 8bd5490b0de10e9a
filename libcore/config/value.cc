#include "libcore/config/value.h"

#include <algorithm>
#include <utility>

#include "libcore/base/text.h"
#include "libcore/config/expand.h"
#include "libcore/config/words.h"

namespace config {
namespace {

constexpr std::size_t kShownLimit = 80; // bytes of a value in a problem

std::string quoted(std::string_view text) {
  std::size_t shown = std::min(text.size(), kShownLimit);
  while (shown < text.size() && (text[shown] & 0xc0) == 0x80) --shown; // inside a character
  std::string out = "\"";
  core::append_escaped(out, text.substr(0, shown));
  return out + (shown < text.size() ? "…\"" : "\"");
}

} // namespace

std::string_view Value::kind() const {
  switch (node_->kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::boolean:
      return node_->boolean ? "true" : "false";
    case Node::Kind::integer:
    case Node::Kind::number:
      return "a number";
    case Node::Kind::string:
      return "a string";
    case Node::Kind::array:
      return "an array";
    case Node::Kind::object:
      return "an object";
  }
  return "";
}

Value Value::question(Reading& reading, Shape& shape) {
  static const Node nothing;
  Value value(reading, nothing, "");
  value.asked_ = &shape;
  return value;
}

Value Value::about(Shape& shape, std::string pointer) const {
  Value value = question(*reading_, shape);
  value.pointer_ = std::move(pointer);
  return value;
}

bool Value::is_null() const {
  if (asked_) asked_->nullable = true;
  return !asked_ && node_->kind == Node::Kind::null;
}

bool Value::tells(Shape shape) const {
  if (!asked_) return false;
  shape.nullable = asked_->nullable;
  *asked_ = std::move(shape);
  return true;
}

Value Value::any_value() const { return about(asked_->part(0), pointer_to(pointer_, "*")); }
Value Value::any_key() const { return about(asked_->part(1), pointer_to(pointer_, "*")); }
Value Value::alternative() const { return about(asked_->others.emplace_back(), pointer_); }
Value Value::member_asked(std::string_view key) const {
  return about(asked_->member(key).shape, pointer_to(pointer_, key));
}

Value Value::element(std::size_t index) const {
  if (asked_) return about(asked_->part(0), pointer_to(pointer_, index));
  if (index >= node_->elements.size()) return *this;
  return {*reading_, node_->elements[index], pointer_to(pointer_, index)};
}

Value Value::key(const Member& member) const {
  Value key(*reading_, member.key, pointer_to(pointer_, member.key.text));
  key.is_key_ = true;
  return key;
}

Value Value::value(const Member& member) const {
  return {*reading_, member.value, pointer_to(pointer_, member.key.text)};
}

void Value::error(std::string found, std::string expected) const {
  note(Severity::error, std::move(found), std::move(expected));
}

void Value::warning(std::string found, std::string expected) const {
  note(Severity::warning, std::move(found), std::move(expected));
}

void Value::note(Severity severity, std::string found, std::string expected) const {
  if (asked_ || reading_->problems.size() >= Reading::kMaxProblems) return;
  reading_->problems.push_back({severity,
                                {reading_->document.file(), node_->line, node_->column, pointer_},
                                std::move(found),
                                std::move(expected)});
}

std::string Value::shown() const {
  switch (node_->kind) {
    case Node::Kind::integer:
    case Node::Kind::number:
      return node_->text.substr(0, kShownLimit);
    case Node::Kind::string:
      return quoted(node_->text);
    default:
      return std::string(kind());
  }
}

void Value::refuse(std::string_view what, std::string expected) const {
  error(shown() + ' ' + std::string(what), std::move(expected));
}

std::optional<std::string> Value::text(std::string_view expected) const {
  if (tells(Shape::text(""))) return std::nullopt;
  if (node_->kind != Node::Kind::string) {
    refuse("is not a string", std::string(expected));
    return std::nullopt;
  }
  return expanded();
}

std::optional<std::string> Value::secret_text(std::string_view expected) const {
  if (tells(Shape::text("secret"))) return std::nullopt;
  if (node_->kind != Node::Kind::string) {
    error(std::string(kind()) + " is not a string", std::string(expected));
    return std::nullopt;
  }
  return expanded();
}

std::optional<std::string> Value::variable_text() const {
  if (node_->kind != Node::Kind::string || is_key_) return std::nullopt;
  if (node_->is_expanded) return node_->text;
  if (!mentions_variable(node_->text)) return std::nullopt;
  auto result = expand(node_->text, reading_->surroundings);
  if (!result) return std::nullopt;
  return *std::move(result);
}

bool Value::lacks_variable() const {
  if (node_->kind != Node::Kind::string || node_->is_expanded || is_key_) return false;
  return mentions_variable(node_->text) && !expanded();
}

Value Value::as_list() const {
  const auto text = variable_text();
  if (!text || node_->is_expanded) return *this;
  Node list = *node_;
  list.kind = Node::Kind::array;
  for (std::string& element : elements_of(*text)) list.elements.push_back(held(element));
  return {*reading_, reading_->made.emplace_back(std::move(list)), pointer_};
}

Value Value::as_object() const {
  const auto text = variable_text();
  if (!text || node_->is_expanded) return *this;
  Node object = *node_;
  object.kind = Node::Kind::object;
  for (const std::string& element : elements_of(*text)) {
    const auto equals = element.find('=');
    if (equals == std::string::npos) return *this;
    object.members.push_back({held(element.substr(0, equals)), held(element.substr(equals + 1))});
  }
  return {*reading_, reading_->made.emplace_back(std::move(object)), pointer_};
}

// A string in the place of this one, with a part of what the variable holds.
Node Value::held(std::string text) const {
  Node node;
  node.kind = Node::Kind::string;
  node.line = node_->line;
  node.column = node_->column;
  node.text = std::move(text);
  node.is_expanded = true;
  return node;
}

std::optional<std::string> Value::expanded() const {
  if (is_key_ || node_->is_expanded) return node_->text;
  auto result = expand(node_->text, reading_->surroundings);
  if (!result) {
    error(result.error().text, result.error().expected);
    return std::nullopt;
  }
  return *std::move(result);
}

} // namespace config
