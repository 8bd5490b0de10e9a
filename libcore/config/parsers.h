// Parsers for ObjectReader: a Value in, std::optional<T> out, and a problem noted when it is
// nullopt. Some are functions, some are made by functions from the limits of a setting.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcore/base/address.h"
#include "libcore/base/network.h"
#include "libcore/base/time.h"
#include "libcore/config/limit.h"
#include "libcore/config/value.h"

namespace config {

std::optional<bool> boolean(const Value& value);

inline constexpr std::size_t kMaxTextBytes = 4096;
std::optional<std::string> text_up_to(const Value& value, std::size_t most);

// Not empty, and without control characters, which neither names, paths nor header fields have.
inline auto text(std::size_t most = kMaxTextBytes) {
  return [most](const Value& value) { return text_up_to(value, most); };
}

// A path from the root; a relative one is taken from the folder of the configuration file.
std::optional<std::string> path(const Value& value);
std::optional<core::IpAddress> ip_address(const Value& value);
std::optional<core::SocketAddress> listening_address(const Value& value); // port 0: any free one
std::optional<core::SocketAddress> remote_address(const Value& value);    // with a port
std::optional<core::NetworkList> network_list(const Value& value);

std::optional<std::int64_t> integer_between(const Value& value, std::int64_t least,
                                            std::int64_t most);

template <std::integral T>
auto integer(T least, T most) {
  return [least, most](const Value& value) -> std::optional<T> {
    const auto number =
        integer_between(value, static_cast<std::int64_t>(least), static_cast<std::int64_t>(most));
    if (!number) return std::nullopt;
    return static_cast<T>(*number);
  };
}

std::optional<core::Duration> duration_between(const Value& value, core::Duration least,
                                               core::Duration most);

inline auto duration(core::Duration least, core::Duration most) {
  return [least, most](const Value& value) { return duration_between(value, least, most); };
}

std::optional<std::uint64_t> size_up_to(const Value& value, std::uint64_t most);

// Bytes: "64KiB", or a number.
inline auto size(std::uint64_t most) {
  return [most](const Value& value) { return size_up_to(value, most); };
}

// Text of which some words mean something else than themselves; telling them apart is the caller's.
std::optional<std::string> text_or_word(const Value& value,
                                        std::initializer_list<std::string_view> words);

// What the reference calls such a text, where its parser alone doesn't say.
template <typename Parser>
auto named(std::string_view name, Parser parser) {
  return [name, parser](const Value& value) {
    auto parsed = parser(value);
    if (Shape* shape = value.asked()) shape->name = name;
    return parsed;
  };
}

// An object, or a value of another kind.
template <typename OtherParser, typename ObjectParser>
auto object_or(OtherParser other, ObjectParser object) {
  return [other, object](const Value& value) {
    if (value.asked()) {
      auto parsed = other(value);
      object(value.alternative());
      return parsed;
    }
    return value.node().kind == Node::Kind::object ? object(value) : other(value);
  };
}

// 0 becomes kNoLimit.
template <typename Parser>
auto or_none(Parser parser) {
  return [parser](const Value& value) -> std::optional<std::uint64_t> {
    const auto number = parser(value);
    if (!number) return std::nullopt;
    return *number == 0 ? kNoLimit : static_cast<std::uint64_t>(*number);
  };
}

// null gives an empty optional.
template <typename Parser>
auto nullable(Parser parser) {
  using Optional = decltype(parser(std::declval<const Value&>()));
  return [parser](const Value& value) -> std::optional<Optional> {
    if (value.is_null()) return Optional{};
    auto parsed = parser(value);
    if (!parsed) return std::nullopt;
    return parsed;
  };
}

// The place of the word among the choices.
std::optional<std::size_t> chosen(const Value& value, std::span<const std::string_view> words);

// What a word stands for.
template <typename T>
class Choice {
 public:
  Choice(std::initializer_list<std::pair<std::string_view, T>> choices) {
    for (const auto& [word, meaning] : choices) {
      words_.push_back(word);
      meanings_.push_back(meaning);
    }
  }
  std::optional<T> operator()(const Value& value) const {
    const auto index = chosen(value, words_);
    if (!index) return std::nullopt;
    return meanings_[*index];
  }
  std::optional<std::string> written(const T& setting) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (meanings_[i] == setting) return '"' + std::string(words_[i]) + '"';
    }
    return std::nullopt;
  }

 private:
  std::vector<std::string_view> words_;
  std::vector<T> meanings_;
};

template <typename T>
Choice<T> choice(std::initializer_list<std::pair<std::string_view, T>> choices) {
  return Choice<T>(choices);
}

inline constexpr std::size_t kMaxItems = 1024; // of a list or a map, unless it has its own limit

// An array with at most so many elements.
bool is_list(const Value& value, std::size_t most);

// Every element is looked at, so that all problems are found.
template <typename Parser>
auto list_of(Parser parser, std::size_t most = kMaxItems) {
  using Element = typename decltype(parser(std::declval<const Value&>()))::value_type;
  return [parser, most](const Value& given) -> std::optional<std::vector<Element>> {
    const Value value = given.as_list();
    if (!is_list(value, most)) {
      if (value.asked()) parser(value.element(0));
      return std::nullopt;
    }
    std::vector<Element> list;
    for (std::size_t i = 0; i < value.node().elements.size(); ++i) {
      if (auto element = parser(value.element(i))) list.push_back(*std::move(element));
    }
    if (list.size() != value.node().elements.size()) return std::nullopt;
    return list;
  };
}

// The same, with one at least: "server".
template <typename Parser>
auto some_of(Parser parser, std::size_t most, std::string_view what) {
  return [list = list_of(parser, most), what](const Value& value) {
    auto found = list(value);
    if (Shape* shape = value.asked()) shape->least = 1;
    if (found && found->empty()) {
      value.error("the list is empty", "at least one " + std::string(what));
      found.reset();
    }
    return found;
  };
}

// An object with at most so many members.
bool is_map(const Value& value, std::size_t most);

template <typename KeyParser, typename Parser>
auto map_of(KeyParser key_parser, Parser parser, std::size_t most = kMaxItems) {
  using Key = typename decltype(key_parser(std::declval<const Value&>()))::value_type;
  using Element = typename decltype(parser(std::declval<const Value&>()))::value_type;
  return [key_parser, parser, most](const Value& given) -> std::optional<std::map<Key, Element>> {
    const Value value = given.as_object();
    if (!is_map(value, most)) {
      if (value.asked()) {
        parser(value.any_value());
        key_parser(value.any_key());
      }
      return std::nullopt;
    }
    std::map<Key, Element> map;
    bool complete = true;
    for (const auto& member : value.node().members) {
      auto key = key_parser(value.key(member));
      auto element = parser(value.value(member));
      complete = complete && key && element;
      if (!key || !element) continue;
      if (!map.emplace(*std::move(key), *std::move(element)).second) {
        value.key(member).error("stands for the same as another key");
        complete = false;
      }
    }
    if (!complete) return std::nullopt;
    return map;
  };
}

} // namespace config
