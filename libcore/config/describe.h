// Asks a reader what it would take: it is run on a value that is a question. Every key is there, every
// list has an element; each parser writes down what it takes and gives nothing, so that every setting
// stays at its default, which ObjectReader writes down too (written.h).
#pragma once

#include "libcore/config/document.h"
#include "libcore/config/shape.h"
#include "libcore/config/surroundings.h"
#include "libcore/config/value.h"

namespace config {

// `read`: from the root of a file to settings, which don't matter here.
template <typename Read>
Shape describe(Read&& read) {
  Problems ignored;
  const auto document = Document::parse("", "{}", ignored);
  Shape shape;
  if (!document) return shape;
  const SystemSurroundings surroundings; // nothing is read of them
  Reading reading{*document, surroundings, ignored};
  read(Value::question(reading, shape));
  return shape;
}

} // namespace config
