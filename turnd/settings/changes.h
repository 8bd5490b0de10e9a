// What differs between two readings of turnd.json, by subject: the keys at its top.
#pragma once

#include <string>
#include <vector>

#include "turnd/settings/settings.h"

namespace turnd {

// Of those that a reload doesn't apply: they take a restart. Credentials, the realm and the files of
// certificates are not among them.
std::vector<std::string> changes_for_a_restart(const Settings& in_force, const Settings& read);

} // namespace turnd
