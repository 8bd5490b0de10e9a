#include "rproxyd/guard/json_scan.h"

#include <cstddef>

#include "libcore/base/text.h"
#include "rproxyd/http/text.h"

namespace rproxyd {
namespace {

constexpr std::uint32_t kReplacement = 0xfffd; // for half of a surrogate pair

// A cursor over a text; every step says whether the grammar allowed it.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void skip_white_space() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) {
      ++at_;
    }
  }
  bool at_end() const { return at_ >= text_.size(); }
  bool take(char c) {
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }

  std::optional<JsonValue> value(unsigned depth) {
    if (at_end() || depth > kMaxJsonDepth) return std::nullopt;
    const std::size_t start = at_;
    JsonValue found;
    bool right = false;
    switch (peek()) {
      case '{':
        found.kind = JsonValue::Kind::object;
        right = members(depth, nullptr);
        break;
      case '[':
        found.kind = JsonValue::Kind::array;
        right = elements(depth, nullptr);
        break;
      case '"':
        found.kind = JsonValue::Kind::string;
        right = string();
        break;
      case 't':
        found.kind = JsonValue::Kind::boolean;
        right = word("true");
        break;
      case 'f':
        found.kind = JsonValue::Kind::boolean;
        right = word("false");
        break;
      case 'n':
        right = word("null");
        break;
      default:
        found.kind = JsonValue::Kind::number;
        right = number();
    }
    if (!right) return std::nullopt;
    found.raw = text_.substr(start, at_ - start);
    return found;
  }

  using Visit = std::function<void(const std::string& key, const JsonValue&)>;

  bool members(unsigned depth, const Visit* visit) {
    ++at_; // '{'
    skip_white_space();
    if (take('}')) return true;
    for (;;) {
      skip_white_space();
      const std::size_t start = at_;
      if (at_end() || peek() != '"' || !string()) return false;
      const JsonValue key{.kind = JsonValue::Kind::string, .raw = text_.substr(start, at_ - start)};
      skip_white_space();
      if (!take(':')) return false;
      skip_white_space();
      const auto member = value(depth + 1);
      if (!member) return false;
      if (visit != nullptr) (*visit)(json_text(key), *member);
      skip_white_space();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool elements(unsigned depth, const Visit* visit) {
    ++at_; // '['
    skip_white_space();
    if (take(']')) return true;
    for (;;) {
      skip_white_space();
      const auto element = value(depth + 1);
      if (!element) return false;
      if (visit != nullptr) (*visit)({}, *element);
      skip_white_space();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

 private:
  char peek() const { return text_[at_]; }

  bool word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  bool digits() {
    const std::size_t start = at_;
    while (!at_end() && is_digit(peek())) ++at_;
    return at_ > start;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool string() {
    ++at_; // '"'
    while (!at_end()) {
      const char c = peek();
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\') {
        if (!escape()) return false;
        continue;
      }
      const auto code = core::decode_utf8(text_.substr(at_));
      if (!code) return false;
      at_ += code->size;
    }
    return false;
  }

  bool escape() {
    ++at_; // '\'
    if (at_end()) return false;
    const char c = text_[at_++];
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_end() ||
          std::string_view("0123456789abcdefABCDEF").find(peek()) == std::string_view::npos) {
        return false;
      }
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::uint32_t hex4(std::string_view digits) {
  std::uint32_t value = 0;
  for (const char c : digits) {
    const char low = to_lower(c);
    value = value * 16 + static_cast<std::uint32_t>(is_digit(low) ? low - '0' : low - 'a' + 10);
  }
  return value;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xe0 | code >> 12);
    } else {
      add(0xf0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3f));
    }
    add(0x80 | (code >> 6 & 0x3f));
  }
  add(0x80 | (code & 0x3f));
}

// The code point of the \uXXXX at the front, and of the one behind it when the two are a pair.
std::uint32_t take_unicode_escape(std::string_view& rest) {
  const std::uint32_t first = hex4(rest.substr(2, 4));
  rest.remove_prefix(6);
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first > 0xdbff || !rest.starts_with("\\u")) return kReplacement;
  const std::uint32_t second = hex4(rest.substr(2, 4));
  if (second < 0xdc00 || second > 0xdfff) return kReplacement;
  rest.remove_prefix(6);
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

} // namespace

std::optional<JsonValue> scan_json(std::string_view text) {
  Scanner scanner(text);
  scanner.skip_white_space();
  const auto value = scanner.value(0);
  scanner.skip_white_space();
  if (!value || !scanner.at_end()) return std::nullopt;
  return value;
}

void for_each_member(const JsonValue& value,
                     const std::function<void(const std::string& key, const JsonValue&)>& visit) {
  Scanner scanner(value.raw);
  if (value.kind == JsonValue::Kind::object) scanner.members(0, &visit);
  if (value.kind == JsonValue::Kind::array) scanner.elements(0, &visit);
}

std::string json_text(const JsonValue& value) {
  std::string text;
  if (value.kind != JsonValue::Kind::string) return text;
  std::string_view rest = value.raw.substr(1, value.raw.size() - 2);
  while (!rest.empty()) {
    if (rest.front() != '\\') {
      text += rest.front();
      rest.remove_prefix(1);
    } else if (rest[1] == 'u') {
      append_utf8(text, take_unicode_escape(rest));
    } else {
      static constexpr std::string_view kShort = "bfnrt";
      static constexpr std::string_view kMeant = "\b\f\n\r\t";
      const auto place = kShort.find(rest[1]);
      text += place == std::string_view::npos ? rest[1] : kMeant[place];
      rest.remove_prefix(2);
    }
  }
  return text;
}

} // namespace rproxyd
