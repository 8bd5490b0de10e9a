// Changes a users file so that nobody ever sees half of it: the new one is written beside it, and
// takes its name when it is whole and on disk. Mode and owner stay. Whoever else edits a users file of
// the folder at the same time waits.
#pragma once

#include <functional>
#include <string>

#include "libcore/base/error.h"
#include "turnd/settings/users_file.h"

namespace turnd {

// `realm`: what the file must be for, and what a new one is made for; empty: any, and no new one is
// made. `change` is given the users; a failure of it leaves the file as it was.
core::Result<void> edit_users_file(const std::string& path, const std::string& realm,
                                   const std::function<core::Result<void>(UsersFile&)>& change);

// The same without a change. A failure has a line for each thing that is wrong.
core::Result<UsersFile> load_users_file(const std::string& path, const std::string& realm);

} // namespace turnd
