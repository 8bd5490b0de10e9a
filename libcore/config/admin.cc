#include "libcore/config/admin.h"

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"

namespace config {

void read_admin(const Value& value, Admin& admin) {
  ObjectReader object(value);
  object.read("address", admin.address, nullable(loopback_address));
  object.read("socket", admin.socket, nullable(path));
  object.finish();
}

} // namespace config
