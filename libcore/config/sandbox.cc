#include "libcore/config/sandbox.h"

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"

namespace config {
namespace {

constexpr std::size_t kMaxNameBytes = 256; // LOGIN_NAME_MAX

} // namespace

void read_sandbox(const Value& value, Sandbox& sandbox) {
  ObjectReader object(value);
  object.read("user", sandbox.user, nullable(text(kMaxNameBytes)));
  object.read("group", sandbox.group, nullable(text(kMaxNameBytes)));
  object.read("drop_capabilities", sandbox.drop_capabilities, boolean);
  object.read("no_new_privileges", sandbox.no_new_privileges, boolean);
  object.read("seccomp", sandbox.seccomp, boolean);
  object.read("landlock", sandbox.landlock, boolean);
  object.read("core_dumps", sandbox.core_dumps, boolean);
  if (sandbox.group && !sandbox.user) {
    object.place_of("group").error("there is no \"user\" that it could be the group of",
                                   "a \"user\" beside it");
  }
  if (!sandbox.no_new_privileges && (sandbox.seccomp || sandbox.landlock)) {
    object.place_of("no_new_privileges")
        .error("\"seccomp\" and \"landlock\" are on, and the kernel takes neither without it",
               "true, or both of these false");
  }
  object.finish();
}

} // namespace config
