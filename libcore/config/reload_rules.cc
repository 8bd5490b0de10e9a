#include "libcore/config/reload_rules.h"

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"

namespace config {

void read_reload_rules(const Value& value, ReloadRules& rules) {
  ObjectReader object(value);
  object.read("watch", rules.watch, boolean);
  object.finish();
}

} // namespace config
