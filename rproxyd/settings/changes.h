// What differs between two readings of rproxyd.json, by subject: the keys at its top.
#pragma once

#include <string>
#include <vector>

#include "rproxyd/settings/settings.h"

namespace rproxyd {

// Of those that a reload doesn't apply: they take a restart. The files of certificates and the servers
// of pools are not among them.
std::vector<std::string> changes_for_a_restart(const Settings& in_force, const Settings& read);

} // namespace rproxyd
