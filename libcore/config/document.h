// A configuration file as a tree of JSON values, each of which knows its line and column. Comments
// (// and /* */) are allowed; everything else is RFC 8259, and of that only what a person can have
// meant: UTF-8, no NUL, no key twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/config/problem.h"

namespace config {

struct Member;

struct Node {
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };

  Kind kind = Kind::null;
  unsigned line = 0;   // of its first character, from 1
  unsigned column = 0; // in bytes, from 1
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;            // a string's value; a number as it is written
  bool is_expanded = false;    // a string that a variable held: it stands for itself
  std::vector<Node> elements;  // of an array
  std::vector<Member> members; // of an object, in the order of the file

  const Node* member(std::string_view key) const;
};

struct Member {
  Node key; // a string
  Node value;
};

class Document {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1024} * 1024;
  static constexpr std::size_t kMaxDepth = 16; // arrays and objects inside of each other

  // nullopt: the text can't be read at all, and a problem says why. A key that stands twice is a
  // problem too, but reading can go on (with the first one).
  static std::optional<Document> parse(const std::string& file, std::string_view text,
                                       Problems& problems, std::size_t most = kMaxBytes);

  const std::string& file() const { return file_; }
  const Node& root() const { return root_; }
  Node& root() { return root_; }
  // The value at a JSON pointer; nullptr: it isn't in the file.
  const Node* find(std::string_view pointer) const;
  // Where that value stands; the file as a whole when it isn't there.
  Place place(std::string_view pointer) const;

 private:
  Document(std::string file, Node root) : file_(std::move(file)), root_(std::move(root)) {}

  std::string file_;
  Node root_;
};

// Appends "/key" to a JSON pointer, escaped as RFC 6901 section 3 says.
std::string pointer_to(std::string_view parent, std::string_view key);
std::string pointer_to(std::string_view parent, std::size_t index);

} // namespace config
