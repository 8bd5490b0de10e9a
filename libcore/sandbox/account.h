// The user that a daemon becomes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "libcore/base/error.h"
#include "libcore/sandbox/capabilities.h"

namespace sandbox {

struct Account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
};

core::Result<Account> find_account(const std::string& user,
                                   const std::optional<std::string>& group);

// For good, with the user's other groups, and with these capabilities of those that root had. The
// process has one thread yet: capabilities are a thread's.
core::Result<void> become(const Account& account, Capabilities kept);

bool is_root();
std::string own_name(); // of the user that this process runs as; its number where it has no name

} // namespace sandbox
