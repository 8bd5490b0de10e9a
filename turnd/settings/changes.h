// What of two readings of turnd.json differs that a reload can't apply: subjects, the keys at its top.
#pragma once

#include <string>
#include <vector>

#include "turnd/settings/settings.h"

namespace turnd {

// Marked so in docs/configuration.md.
std::vector<std::string> subjects_for_a_restart();

std::vector<std::string> changes_for_a_restart(const Settings& in_force, const Settings& read);

// `settings` as they can come into force: with these subjects as they are.
void keep_what_takes_a_restart(Settings& settings, const Settings& in_force);

} // namespace turnd
