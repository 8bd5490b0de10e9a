// A value of a configuration file on its way into a setting: the node, its place, and where its
// problems go.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "libcore/config/document.h"
#include "libcore/config/problem.h"
#include "libcore/config/shape.h"
#include "libcore/config/surroundings.h"

namespace config {

// One reading of one file. Outlives its values.
struct Reading {
  static constexpr std::size_t kMaxProblems = 200; // further ones are not noted

  const Document& document;
  const Surroundings& surroundings;
  Problems& problems;
  bool world_readable = false; // the file: no place for secrets
  std::deque<Node> made = {};  // of variables that stand for lists and objects
};

class Value {
 public:
  // Borrows both.
  Value(Reading& reading, const Node& node, std::string pointer)
      : reading_(&reading), node_(&node), pointer_(std::move(pointer)) {}
  static Value root(Reading& reading) { return {reading, reading.document.root(), ""}; }
  // Not a value of the file: asks its readers what they would take there (describe.h).
  static Value question(Reading& reading, Shape& shape);

  const Node& node() const { return *node_; }
  const std::string& pointer() const { return pointer_; }
  Reading& reading() const { return *reading_; }
  // Asked by those who take it, so that a question learns that null may stand here.
  bool is_null() const;

  // Where the answer to a question is written down; nullptr: this is a value of the file.
  Shape* asked() const { return asked_; }
  // Whether this is a question; then `shape` is the answer, and there is nothing to parse.
  bool tells(Shape shape) const;

  Value element(std::size_t index) const; // of an array; of what a variable stands for: itself
  Value any_key() const;                  // of an object, in a question
  Value any_value() const;                // likewise
  Value alternative() const;              // in a question: a value of another kind
  Value member_asked(std::string_view key) const; // of an object, in a question
  Value key(const Member& member) const;          // of an object: the key itself, never expanded
  Value value(const Member& member) const;        // and what it stands for

  void error(std::string found, std::string expected = "") const;
  void warning(std::string found, std::string expected = "") const;
  // As it is written, cut when it is long: "\"udp\"", "42", "an object". Not for secrets.
  std::string shown() const;
  // "a string": what it is, whatever it holds.
  std::string_view kind() const;
  // error(): shown(), followed by `what`.
  void refuse(std::string_view what, std::string expected) const;

  // The string with its variables expanded; a problem when it isn't one or they aren't set.
  std::optional<std::string> text(std::string_view expected) const;
  // The same for a secret: nothing of it gets into a problem.
  std::optional<std::string> secret_text(std::string_view expected) const;
  // The text of a string that a variable is part of, for what isn't text; nullopt: it is none.
  std::optional<std::string> variable_text() const;
  // Whether it is a string of which a variable isn't set, which is then noted.
  bool lacks_variable() const;
  // This, or the list or object that a variable stands for: "a, b" and "a=1, b=2".
  Value as_list() const;
  Value as_object() const;

 private:
  void note(Severity severity, std::string found, std::string expected) const;
  std::optional<std::string> expanded() const;
  Node held(std::string text) const;

  Value about(Shape& shape, std::string pointer) const; // another question

  Reading* reading_;
  const Node* node_;
  std::string pointer_;
  Shape* asked_ = nullptr;
  bool is_key_ = false;
};

} // namespace config
