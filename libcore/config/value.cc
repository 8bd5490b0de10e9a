#include "libcore/config/value.h"

#include <algorithm>
#include <utility>

#include "libcore/base/text.h"
#include "libcore/config/expand.h"

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

Value Value::element(std::size_t index) const {
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
  if (reading_->problems.size() >= Reading::kMaxProblems) return;
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
  if (node_->kind != Node::Kind::string) {
    refuse("is not a string", std::string(expected));
    return std::nullopt;
  }
  return expanded();
}

std::optional<std::string> Value::secret_text(std::string_view expected) const {
  if (node_->kind != Node::Kind::string) {
    error(std::string(kind()) + " is not a string", std::string(expected));
    return std::nullopt;
  }
  return expanded();
}

std::optional<std::string> Value::expanded() const {
  if (is_key_) return node_->text;
  auto result = expand(node_->text, reading_->surroundings);
  if (!result) {
    error(result.error().text,
          "\"${NAME}\" for a variable that is set, or \"$${\" for \"${\" itself");
    return std::nullopt;
  }
  return *std::move(result);
}

} // namespace config
