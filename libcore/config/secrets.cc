#include "libcore/config/secrets.h"

#include <fmt/format.h>

#include "libcore/config/expand.h"
#include "libcore/config/parsers.h"

namespace config {
namespace {

bool is_absent(const std::optional<Value>& value) { return !value || value->is_null(); }

bool is_empty_list(const std::optional<Value>& value) {
  return value && value->node().kind == Node::Kind::array && value->node().elements.empty();
}

// The value or its file, whichever is there; a problem when both are.
struct Source {
  std::optional<Value> inline_value;
  std::optional<Value> file;
};

Source find_source(ObjectReader& object, std::string_view key, std::string_view file_key,
                   bool is_list) {
  Source source{object.find(key), object.find(file_key)};
  if (is_list && is_empty_list(source.inline_value)) source.inline_value.reset();
  if (is_absent(source.inline_value)) source.inline_value.reset();
  if (is_absent(source.file)) source.file.reset();
  if (source.file && source.file->asked()) {
    path(*source.file);
    source.file.reset();
  }
  if (source.inline_value && source.file) {
    source.file->error(fmt::format("\"{}\" is given too", key), "one of the two");
    return {};
  }
  return source;
}

std::optional<std::string> read_file(const Value& value) {
  const auto file = path(value);
  if (!file) return std::nullopt;
  auto content = value.reading().surroundings.read_file(*file, kMaxSecretFileBytes);
  if (!content) {
    value.refuse(fmt::format("cannot be read: {}", content.error().text), "");
    return std::nullopt;
  }
  if (content->world_readable) {
    value.refuse("can be read by everybody on this machine",
                 "a file that only its owner and group may read (chmod o-r)");
    return std::nullopt;
  }
  return std::move(content->text);
}

std::string_view without_newline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// `what`: "the secret", "line 3 of the file".
std::optional<core::Secret> checked(const Value& value, std::string_view what,
                                    std::string_view text) {
  if (text.empty()) {
    value.error(fmt::format("{} is empty", what), "a secret");
    return std::nullopt;
  }
  if (text.size() > kMaxSecretBytes) {
    value.error(fmt::format("{} is {} bytes long", what, text.size()),
                fmt::format("at most {}", kMaxSecretBytes));
    return std::nullopt;
  }
  if (text.contains('\0')) {
    value.error(fmt::format("{} holds a NUL character", what), "text");
    return std::nullopt;
  }
  return core::Secret(std::string(text));
}

} // namespace

std::optional<core::Secret> secret(const Value& value) {
  const auto text = value.secret_text("text in quotes");
  if (!text) return std::nullopt;
  if (value.reading().world_readable && !value.variable_text()) {
    value.warning("a secret, in a file that everybody on this machine may read",
                  "a file that only its owner and group may read (chmod o-r)");
    value.reading().world_readable = false; // said once
  }
  return checked(value, "the secret", *text);
}

bool read_secret(ObjectReader& object, std::string_view key, std::string_view file_key,
                 core::Secret& setting) {
  const auto source = find_source(object, key, file_key, false);
  std::optional<core::Secret> found;
  if (source.inline_value) {
    found = secret(*source.inline_value);
  } else if (source.file) {
    const auto text = read_file(*source.file);
    if (text) found = checked(*source.file, "the file", without_newline(*text));
  }
  if (!found) return false;
  setting = *std::move(found);
  return true;
}

bool read_secrets(ObjectReader& object, std::string_view key, std::string_view file_key,
                  std::vector<core::Secret>& setting) {
  const auto source = find_source(object, key, file_key, true);
  if (source.inline_value) {
    auto found = list_of(secret)(*source.inline_value);
    if (!found) return false;
    setting = *std::move(found);
    return true;
  }
  if (!source.file) return false;
  const auto text = read_file(*source.file);
  if (!text) return false;

  std::vector<core::Secret> found;
  std::string_view rest = *text;
  for (unsigned number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    const auto line =
        without_newline(rest.substr(0, end == std::string_view::npos ? end : end + 1));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) continue;
    auto next = checked(*source.file, fmt::format("line {} of the file", number), line);
    if (!next) return false;
    found.push_back(*std::move(next));
  }
  if (found.empty()) {
    source.file->error("the file holds no secret", "one a line");
    return false;
  }
  if (found.size() > kMaxItems) {
    source.file->error(fmt::format("the file holds {} secrets", found.size()),
                       fmt::format("at most {}", kMaxItems));
    return false;
  }
  setting = std::move(found);
  return true;
}

} // namespace config
